# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start the simulator: ``python thingspace_simulator`` or ``python -m thingspace_simulator``."""

from __future__ import annotations

import sys
from pathlib import Path


def _run() -> int:
    """Make the package importable, then start."""
    if not __package__:
        # Started as a directory, Python puts the package itself on the path instead of its parent.
        here = Path(__file__).resolve().parent
        sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here]
        sys.path.insert(0, str(here.parent))
    from thingspace_simulator.cli import main  # pylint: disable=import-outside-toplevel

    return main()


if __name__ == "__main__":
    sys.exit(_run())
