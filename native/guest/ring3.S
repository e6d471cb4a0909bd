# SPDX-License-Identifier: MIT
#
# The way to ring 3, a part of guest.S: each vCPU enters 64-bit mode, leaves ring 0 and never comes back.
# There are no system calls and no interrupts: where KVM interprets ring 0, this runs at the speed of the
# processor all the same.
#
# One more register, for good: r15 the number of this vCPU; 0 is the one that talks.

        .set    apic_base_msr, 0x1b
        .set    apic, 0xfee00000
        .set    apic_spurious, 0xf0
        .set    apic_command, 0x300
        .set    to_all_others, 0xc4000
        .set    init, 0x500
        .set    startup, 0x600

        # One page, in which the vCPUs count.
        .set    arrived, step + 0x40            # vCPUs, the first one included
        .set    begun, step + 0x80              # passes
        .set    ended, step + 0xc0              # passes, each counted by each of the others

start_ring3:
        mov     ecx, apic_base_msr
        rdmsr
        test    eax, 0x100                      # is this the first one?
        jz      .Lother

        mov     esp, stack_top
        call    set_up_devices
        call    map_all
        mov     dword ptr [arrived], 1
        mov     dword ptr [begun], 0
        mov     dword ptr [ended], 0
        cmp     dword ptr [vcpus], 1
        je      .Lalone
        mov     dword ptr [apic + apic_spurious], 0x1ff
        mov     dword ptr [apic + apic_command], to_all_others + init
        call    .Lsent
        mov     dword ptr [apic + apic_command], to_all_others + startup + others_vector
        call    .Lsent
        mov     eax, [vcpus]
1:      pause
        cmp     [arrived], eax
        jne     1b
.Lalone:
        xor     esi, esi
        mov     edi, stack_top
        jmp     .Lleave

.Lsent: test    dword ptr [apic + apic_command], 0x1000
        jnz     .Lsent
        ret

.Lother:
        mov     esi, 1
        lock xadd [arrived], esi
        mov     edi, esi
        imul    edi, edi, stack_bytes
        add     edi, stack_top
        mov     esp, edi

.Lleave:
        call    enable_long_mode
        .att_syntax
        ljmp    $0x18, $1f
        .intel_syntax noprefix
        .code64
1:      mov     r15d, esi
        mov     edi, edi
        enter_ring3 .Lin_ring3, rdi

.Lin_ring3:
        test    r15d, r15d
        jz      work

        # One of the others: a pass for each that the first one begins.
        xor     ebp, ebp
.Lnext_pass:
        pause
        cmp     ebp, [begun]
        je      .Lnext_pass
        inc     ebp
        call    write
        lock inc dword ptr [ended]
        jmp     .Lnext_pass

# What the first one does before and after its own part of a pass.
begin_pass:
        mov     [begun], ebp
        ret

end_pass:
        mov     eax, [vcpus]
        dec     eax
        imul    eax, ebp
1:      cmp     [ended], eax
        je      2f
        pause
        jmp     1b
2:      ret
