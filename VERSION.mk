# SPDX-License-Identifier: GPL-2.0-or-later
# The version and the date of its release: the only place where they stand.
VERSION = 2.0.0
RELEASE_DATE = 20 Nov 2026
