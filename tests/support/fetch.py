"""Plain HTTP by httpx. The context of TLS is made once: for each request or client that makes its
own, it takes longer than most tests.
"""

from functools import partial

import httpx

TLS = httpx.create_ssl_context()

client = partial(httpx.Client, verify=TLS)
get = partial(httpx.get, verify=TLS)
head = partial(httpx.head, verify=TLS)
post = partial(httpx.post, verify=TLS)
put = partial(httpx.put, verify=TLS)
request = partial(httpx.request, verify=TLS)
stream = partial(httpx.stream, verify=TLS)
