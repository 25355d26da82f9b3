"""The text of the repository follows the style guide in spelling and choice of words."""

import functools
import re
import subprocess

import pytest

from tests.project import sources

# Regular expressions of British spellings, and their American form.
BRITISH = {
    r"behaviour": "behavior",
    r"colour": "color",
    r"neighbour": "neighbor",
    r"favour": "favor",
    r"honour": "honor",
    r"labour": "labor",
    r"flavour": "flavor",
    r"rigour": "rigor",
    r"vapour": "vapor",
    r"grey": "gray",
    r"centre": "center",
    r"centring": "centering",
    r"metre(?:s\b|\b)": "meter",
    r"fibre": "fiber",
    r"licence": "license",
    r"defence": "defense",
    r"offence": "offense",
    r"catalogue": "catalog",
    r"analogue": "analog",
    r"dialogue": "dialog",
    r"programme(?:s\b|\b)": "program",
    r"artefact": "artifact",
    r"sceptic": "skeptic",
    r"ageing": "aging",
    r"judgement": "judgment",
    r"whilst": "while",
    r"amongst": "among",
    r"misspelt": "misspelled",
    r"learnt": "learned",
    r"labell(?:ed|ing)": "labeled, labeling",
    r"modell(?:ed|ing)": "modeled, modeling",
    r"cancell(?:ed|ing)": "canceled, canceling",
    r"travell(?:ed|ing)": "traveled, traveling",
    r"signall(?:ed|ing)": "signaled, signaling",
    r"channell(?:ed|ing)": "channeled, channeling",
    r"(?:real|memor|prior|normal|optim|minim|maxim|initial|general|regular|random|summar|visual"
    r"|serial|parallel|vector|token|quant|discret|linear|factor|parametr|util|organ|recogn"
    r"|synchron|final|local|sanit|capital|emphas|standard|categor|stabil|penal|central)is"
    r"(?:e|ed|es|er|ers|ing|ation|ations)\b": "-ize, -ization",
    r"(?:anal|paral|catal)ys(?:e|ed|ing)\b": "-yze",  # not "analyses", the plural of "analysis"
}
# Regular expressions of words that docs/style_guide.md avoids, and what to write.
AVOIDED = {
    r"\bwhoever\b": "name the subject",
    r"\bnobody\b": "name the subject, or state what is not implemented",
    r"\bsomebody\b": "name the subject",
    r"\bin peace\b": "undisturbed",
    r"\bat hand\b": "available",
    r"\bgoes on\b": "continues",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\bquieten": "silence",
    r"\bsentence_of\b": "format_error",
    r"\bdemonstration_picked\b": "top1_accuracy",
    r"\bfor good\b": "permanently",
    r"\bby heart\b": "stores",
    r"\bpictures?\b": "image, plot or frame",
    r"\bas they come\b": "default",
    r"\bought to\b": "must or should",
    r"\bthereof\b": "of it",
    r"\bwhence\b": "from which",
}
SUFFIXES = {".py", ".md", ".gin", ".toml", ".yaml", ".yml", ".cff", ".sh"}
NAMES = {"Makefile", "BUILD"}
# These quote the words: this test, and the tables of the style guide.
EXCLUDED = {"tests/project/test_spelling.py", "docs/style_guide.md"}


@functools.cache
def tracked_text() -> dict[str, str]:
    """Returns all tracked text files, by path."""
    names = subprocess.run(
        ["git", "ls-files"], cwd=sources.ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    paths = [sources.ROOT / name for name in names if name not in EXCLUDED]
    return {
        str(path.relative_to(sources.ROOT)): path.read_text(encoding="utf-8")
        for path in paths
        if (path.suffix in SUFFIXES or path.name in NAMES) and path.is_file()
    }


def find(words: dict[str, str]) -> list[str]:
    """Returns `file:line: word; write …` for each occurrence."""
    any_word = re.compile("|".join(f"(?:{word})" for word in words), re.IGNORECASE)
    return [
        f"{path}:{text.count(chr(10), 0, found.start()) + 1}: {found[0]!r}; write {better}"
        for path, text in tracked_text().items()
        for found in any_word.finditer(text)
        for word, better in words.items()
        if re.fullmatch(word, found[0], re.IGNORECASE)
    ]


def test_spelling_is_american():
    found = find(BRITISH)
    assert not found, "\n".join(found)


def test_words_that_the_style_guide_avoids_do_not_occur():
    found = find(AVOIDED)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("normalised neighbours", ["-ize, -ization", "neighbor"]),
        ("a parameter in meters, promise, analysis, size, otherwise, precise", []),
        ("greyscale_centre, 3 metres", ["gray", "center", "meter"]),
    ],
)
def test_patterns_match_british_spellings_only(text, expected):
    found = [better for word, better in BRITISH.items() if re.search(word, text, re.IGNORECASE)]
    assert sorted(found) == sorted(expected)
