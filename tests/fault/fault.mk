# SPDX-License-Identifier: GPL-2.0-or-later
# What is left when writing is stopped: a few points as a part of `make check`, `make fault` for the whole table.

FAULT_SHIM = $(B)/tests/fault/shim.so
FAULT_POINTS ?= 200
FAULT_OTHER ?= 50
# NAME=FILE ...: flattened dumps of other programs
FAULT_STREAMS ?=
# such as --way split --fault EIO: one row or column of the table, or one cell
FAULT_ONLY ?=

$(FAULT_SHIM): tests/fault/shim.c $(B)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -std=gnu11 $(WARNINGS) -O1 -g -fPIC -shared -o $@ $< -ldl

CHECK_NEEDS += $(FAULT_SHIM)
CHECKS += "tests/fault/fault.py --shim $(FAULT_SHIM)"

.PHONY: fault
fault: $(PROGRAM) $(FAULT_SHIM)
	PROGRAM=$(CURDIR)/$(PROGRAM) tests/fault/fault.py --shim $(FAULT_SHIM) --bytes 0x1000000 --points $(FAULT_POINTS) \
		--other $(FAULT_OTHER) $(FAULT_STREAMS:%=--stream %) $(FAULT_ONLY)
