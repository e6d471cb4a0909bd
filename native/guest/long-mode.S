# SPDX-License-Identifier: MIT
#
# The probe of long mode, a part of guest.S: enters 64-bit mode, says so there, and halts.

# Page tables for the first 2 MiB, where this code is, identical addresses.
long_mode:
        mov     edi, page_tables
        xor     eax, eax
        mov     ecx, 3 * 1024
        rep     stosd
        mov     dword ptr [page_tables], page_tables + 0x1000 + 3
        mov     dword ptr [page_tables + 0x1000], page_tables + 0x2000 + 3
        mov     dword ptr [page_tables + 0x2000], 0x83

        mov     eax, cr4
        or      eax, 0x20                       # physical address extension
        mov     cr4, eax
        mov     eax, page_tables
        mov     cr3, eax
        mov     ecx, 0xc0000080                 # EFER: long mode enable
        rdmsr
        or      eax, 0x100
        wrmsr
        mov     eax, cr0
        or      eax, 0x80000001
        mov     cr0, eax
        .att_syntax
        ljmp    $0x18, $start64
        .intel_syntax noprefix

        .code64
start64:
        mov     rax, 0x123456789abcdef0         # only a 64-bit register holds this
        mov     rdx, rax
        shr     rdx, 32
        cmp     edx, 0x12345678
        jne     2f
        lea     rsi, says_long[rip]
1:      mov     dx, com1 + 5
        in      al, dx
        test    al, 0x20
        jz      1b
        mov     al, [rsi]
        test    al, al
        jz      2f
        mov     dx, com1
        out     dx, al
        inc     rsi
        jmp     1b
2:      cli
        hlt
        jmp     2b
        .code32
