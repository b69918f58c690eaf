"""Draw the pictures of the README: a sheet of drawn pets. Run it again after the drawing code has changed.

python nbs/pictures/draw.py
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from petbreeds.data.drawing.breeds import BREEDS
from petbreeds.data.drawing.pet import draw_pet

COLUMNS, TILE = 8, (180, 150)


def main() -> None:
    """Write drawn_pets.jpg beside this file."""
    rows = -(-len(BREEDS) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * TILE[0], rows * TILE[1]), "white")
    pen = ImageDraw.Draw(sheet)
    for i, breed in enumerate(BREEDS):
        picture = draw_pet(breed, 3 + i % 3, size=(228, 171)).resize((174, 131), Image.Resampling.LANCZOS)
        left, top = i % COLUMNS * TILE[0], i // COLUMNS * TILE[1]
        sheet.paste(picture, (left + 3, top + 2))
        pen.text((left + 5, top + 135), breed, fill="black")
    sheet.save(Path(__file__).with_name("drawn_pets.jpg"), quality=85)


if __name__ == "__main__":
    main()
