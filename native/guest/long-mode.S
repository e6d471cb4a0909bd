# SPDX-License-Identifier: MIT
#
# 64-bit mode, a part of guest.S: its page tables, and the way into it.

        .set    tables, 6                       # one, one, and four of 1 GiB each
        .set    user, 7                         # present, for writing, for ring 3
        .set    touched, 0x60                   # accessed and dirty: the processor has nothing to mark
        .set    large, 0x80                     # a page of 2 MiB
        .set    efer, 0xc0000080

# The first 4 GiB in pages of 2 MiB, identical addresses.
map_all:
        mov     edi, page_tables
        xor     eax, eax
        mov     ecx, tables * 1024
        rep     stosd
        mov     dword ptr [page_tables], page_tables + 0x1000 + user + touched
        mov     edi, page_tables + 0x1000
        mov     eax, page_tables + 0x2000 + user + touched
1:      mov     [edi + ecx * 8], eax
        add     eax, 0x1000
        inc     ecx
        cmp     ecx, tables - 2
        jne     1b
        mov     edi, page_tables + 0x2000
        mov     eax, user + touched + large
        xor     ecx, ecx
1:      mov     [edi + ecx * 8], eax
        add     eax, 0x200000
        inc     ecx
        cmp     ecx, 2048
        jne     1b
        ret

# With these tables, on; a far jump to a segment of 64 bits has to follow.
enable_long_mode:
        mov     eax, cr4
        or      eax, 0x20                       # physical address extension
        mov     cr4, eax
        mov     eax, page_tables
        mov     cr3, eax
        mov     ecx, efer
        rdmsr
        or      eax, 0x101                      # long mode, system calls
        wrmsr
        mov     eax, cr0
        or      eax, 0x80000001
        mov     cr0, eax
        ret

# To ring 3 at \address, with a stack, and with interrupts off: in 64-bit mode. Changes rax.
        .macro  enter_ring3 address, stack
        push    0x20 + 3
        push    \stack
        push    0x3002                          # IOPL 3: ports are for it as well
        push    0x28 + 3
        mov     eax, offset \address
        push    rax
        iretq
        .endm
