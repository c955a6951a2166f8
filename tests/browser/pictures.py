"""Pictures of the real pages, for the README: taken by a test, kept when ``PPL_PICTURES`` names a directory."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

from playwright.sync_api import Page

#: Width of the walk-through's frames, in pixels.
WIDTH = 960


class Pictures:
    """Takes the frames of a walk-through, and single pictures; without a directory it does nothing."""

    def __init__(self) -> None:
        directory = os.environ.get("PPL_PICTURES")
        self._directory = Path(directory) if directory else None
        self._frames: list[tuple[bytes, float]] = []

    def frame(self, page: Page, seconds: float) -> None:
        """Add a frame to the walk-through, shown for ``seconds``."""
        if self._directory is not None:
            self._frames.append((page.screenshot(), seconds))

    def single(self, page: Page, name: str) -> None:
        """Save a single picture as ``<name>.png``."""
        if self._directory is not None:
            page.screenshot(path=self._directory / f"{name}.png")

    def assemble(self, name: str) -> None:
        """Save the frames as an animation, ``<name>.webp``."""
        if self._directory is None:
            return
        from PIL import Image  # needed only for making pictures

        images = []
        for data, _ in self._frames:
            image = Image.open(BytesIO(data)).convert("RGB")
            images.append(image.resize((WIDTH, image.height * WIDTH // image.width), Image.Resampling.LANCZOS))
        images[0].save(
            self._directory / f"{name}.webp",
            save_all=True,
            append_images=images[1:],
            duration=[round(seconds * 1000) for _, seconds in self._frames],
            loop=0,
            quality=72,
            method=6,
        )
