"""What a search finds is what somebody finds who reads everything."""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.store.kit import asking
from rapport.store.kit.asking import Asking, Phrase
from rapport.store.kit.words import asked, fold, words
from tests.support.server import Client, Server

pytestmark = pytest.mark.engines("sqlite", "postgres")

characters = st.characters(exclude_characters="\0", codec="utf-8")
any_text = st.text(characters, max_size=60)
WORDS = (
    "alpha",
    "Beta",
    "ga-mma",
    "délta",
    "東京",
    "京都府",
    "ไทย",
    "x1",
    "one",
    "o",
    "한국어",
    "भाषा",
)


@settings(deadline=None)
@given(any_text)
def test_any_text_is_read_as_a_query(text: str) -> None:
    try:
        asked_for = asking.parse(text)
    except asking.NothingAsked:
        return
    assert all(phrase.words for clause in asked_for.clauses for phrase in clause.phrases)


@settings(deadline=None)
@given(any_text)
def test_a_text_has_the_words_that_it_asks_for(text: str) -> None:
    wanted, is_begun = asked(text)
    if wanted:
        assert stands(Phrase(tuple(wanted), is_begun), words(text))


@settings(deadline=None)
@given(any_text)
def test_words_are_letters_and_digits_and_folded_for_good(text: str) -> None:
    for word in words(text):
        assert all(letter.isalnum() or ord(letter) > 0x2FF for letter in word)
        assert " ".join(words(word))
    assert fold(fold(text)) == fold(text)


def stands(phrase: Phrase, there: list[str]) -> bool:
    """Whether a phrase stands in words, read from the first to the last."""
    for start in range(len(there) - len(phrase.words) + 1):
        some = there[start : start + len(phrase.words)]
        same = some[:-1] == list(phrase.words[:-1])
        last = phrase.words[-1]
        if same and (some[-1].startswith(last) if phrase.is_begun else some[-1] == last):
            return True
    return False


class Corpus(NamedTuple):
    """An org, and of each engagement by display id: the texts that find it, and its comments'."""

    client: Client
    own: dict[str, list[str]]
    comments: dict[str, list[str]]

    def scan(self, asked_for: Asking) -> set[str]:
        """The engagements that a query finds, by reading all of them."""
        return {one for one in self.own if self._fits(one, asked_for)}

    def _fits(self, one: str, asked_for: Asking) -> bool:
        own = self._checks(self.own[one])
        if any(own(clause.phrases) for clause in asked_for.unwanted):
            return False
        if all(own(clause.phrases) for clause in asked_for.wanted):
            return True
        for text in self.comments.get(one, []):
            said = self._checks([text])
            wanted = all(said(clause.phrases) for clause in asked_for.wanted)
            if wanted and not any(said(clause.phrases) for clause in asked_for.unwanted):
                return True
        return False

    @staticmethod
    def _checks(texts: list[str]) -> Callable[[tuple[Phrase, ...]], bool]:
        there = [words(text) for text in texts]
        return lambda phrases: any(stands(phrase, some) for phrase in phrases for some in there)


@pytest.fixture(scope="module")
def corpus(server: Server) -> Corpus:
    """Engagements of few words, so that chance finds some."""
    chance = random.Random(7)  # only has to differ
    client = server.make_org("Corpus")

    def text(most: int) -> str:
        return " ".join(chance.choices(WORDS, k=chance.randint(1, most)))

    people = {}
    for _ in range(4):
        name = text(2)
        person = client.ok("rev-users.create", {"display_name": name, "email": "p@q.test"})
        people[person["rev_user"]["display_id"]] = name
    accounts = {}
    for _ in range(4):
        name = text(2)
        account = client.ok("accounts.create", {"display_name": name})["account"]
        accounts[account["display_id"]] = name
    own: dict[str, list[str]] = {}
    comments: dict[str, list[str]] = {}
    for _ in range(60):
        title, description = text(3), text(6)
        member, parent = chance.choice([*people]), chance.choice([*accounts])
        made: Any = client.engagement(
            title=title, description=description, members=[member], parent=parent
        )["display_id"]
        own[made] = [title, description, people[member], accounts[parent]]
        if chance.random() < 0.4:
            body = text(4)
            request = {"type": "timeline_comment", "object": made, "body": body}
            client.ok("timeline-entries.create", request)
            comments[made] = [body]
    return Corpus(client, own, comments)


word = st.sampled_from(
    [*WORDS, "al", "alpha beta", "京", "京都", "gamma", "GA", "한국", "delta", "zzz"]
)
atom = st.builds(
    lambda minus, text, star, quoted: (
        f'{minus}"{text}"{star}' if quoted or " " in text else f"{minus}{text}{star}"
    ),
    st.sampled_from(["", "", "", "-"]),
    word,
    st.sampled_from(["", "", "*"]),
    st.booleans(),
)
queries = st.lists(st.one_of(atom, atom, st.just("OR")), min_size=1, max_size=5).map(" ".join)


@pytest.mark.timeout(240)
@settings(max_examples=60, deadline=None)
@given(queries)
def test_a_search_finds_what_a_reader_finds(corpus: Corpus, query: str) -> None:
    try:
        wanted = corpus.scan(asking.parse(query))
    except asking.NothingAsked:
        corpus.client.refused("search.core", {"query": query}, "value_not_permitted", "query")
        return
    request = {"query": query, "namespaces": ["engagement"], "limit": 100}
    results = corpus.client.ok("search.core", request)["results"]
    found = [one["engagement"]["display_id"] for one in results]
    assert len(found) == len({*found})
    assert {*found} == wanted
    assert corpus.client.ok("engagements.count", {"query": query}) == {"count": len(wanted)}
