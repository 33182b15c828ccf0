# SPDX-License-Identifier: GPL-2.0-or-later
# The program as a user sees it; every .bats file speaks TAP when it is run.

CHECKS += $(sort $(wildcard tests/cli/*.bats))
CHECK_NEEDS += cli-tools

.PHONY: cli-tools
cli-tools:
	@$(call need,bats,bats)
	@$(call need,strace,strace)
	@$(call need,python3,python3)
	@$(call need,xz,xz-utils)
