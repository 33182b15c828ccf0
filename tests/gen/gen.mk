# SPDX-License-Identifier: GPL-2.0-or-later
# Generated dumps: the generator against itself, and the program against what the generator expects.

CHECKS += tests/gen/check_cases.py
