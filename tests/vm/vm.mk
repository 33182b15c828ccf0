# SPDX-License-Identifier: GPL-2.0-or-later
# Real kernels: not part of `make check`, as they need QEMU, the network and half an hour.

.PHONY: check-vm
# QUICK=1: one kernel and few levels; KERNELS="6.12 7.2" LEVELS=0,31: these; MACHINES="s390x-7.2": these of other machines
check-vm: $(PROGRAM)
	@tests/vm/run $(if $(filter 1,$(QUICK)),--quick) $(if $(KERNELS),--kernels "$(KERNELS)") $(if $(LEVELS),--levels $(LEVELS)) \
		$(if $(MACHINES),--machines "$(MACHINES)") ./$(PROGRAM)

.PHONY: check-foreign
# the fast layer with everything built for another machine, under QEMU for single processes: ARCH=s390x, armhf, ...
ARCH ?= s390x
check-foreign:
	@tests/vm/foreign-build $(ARCH) check

.PHONY: check-foreign-bytes
# that build writes the same bytes as this machine's: of the dumps that check-vm keeps, or of VMCORES
check-foreign-bytes: $(PROGRAM)
	@tests/vm/foreign-build $(ARCH) build-$(ARCH)/makedumpfile
	@tests/run-tap "tests/vm/host-bytes ./$(PROGRAM) build-$(ARCH)/makedumpfile $(VMCORES)"
