"""`python -m labq`."""

from __future__ import annotations

import sys

from labq.cli.main import main

sys.exit(main())
