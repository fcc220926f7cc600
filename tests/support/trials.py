"""How long the trials of kills go on: short in `make test`, as long as one likes in `make faults`."""

import os

KILLS = int(os.environ.get("RAPPORT_TEST_KILLS", "3"))
WRITES = int(os.environ.get("RAPPORT_TEST_WRITES", "1000"))
# For `pytest.mark.timeout`, in seconds; a start and a stop under load take some each.
TIMEOUT = 120 + 20 * KILLS + WRITES // 10
