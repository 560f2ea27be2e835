"""What does the doctor find of another library, before patch_all(), or set up after it?

Usage: strangers.py LIBRARY none|first|last
"""

from __future__ import annotations

import sys

import beside


def main():
    library, order = sys.argv[1:]
    set_up = getattr(beside, library)
    if order != "last":
        set_up()
    if order != "none":
        beside.poolcompat("patch")
    if order == "last":
        set_up()
    from poolcompat._others import changed_by_others

    for place, by in changed_by_others():
        print(by, place)


if __name__ == "__main__":
    main()
