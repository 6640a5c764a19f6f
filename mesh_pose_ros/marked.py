"""A part of a text file that a command writes, between two lines that mark it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Marked:
    """
    Where that part is.

    :param begin, end: the lines before and after it, there once
    """

    begin: str
    end: str

    def parts(self, file: Path) -> tuple[str, str, str]:
        """
        Text before the marks, between them and after them, without the marks.

        :raises ValueError: the file lacks them
        """
        before, begin, rest = file.read_text().partition(self.begin)
        between, end, after = rest.partition(self.end)
        if not begin or not end:
            raise ValueError(f'{file}: put the lines {self.begin} and {self.end} into it')
        return before, between, after

    def with_part(self, file: Path, part: str) -> str:
        """The file's text with another part; the file stays. See `parts` for errors."""
        before, _, after = self.parts(file)
        return f'{before}{self.begin}\n\n{part.strip()}\n\n{self.end}{after}'

    def put(self, file: Path, part: str) -> None:
        """Write another part into the file. See `parts` for errors."""
        file.write_text(self.with_part(file, part))
