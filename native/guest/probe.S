# SPDX-License-Identifier: MIT
#
# The probe of what an operating system needs, a part of guest.S: enters 64-bit mode and says so there, then
# enters ring 3, which calls ring 0, says whether it has come there, and halts.

        .set    star, 0xc0000081
        .set    lstar, 0xc0000082

probe:
        call    map_all
        call    enable_long_mode
        .att_syntax
        ljmp    $0x18, $start64
        .intel_syntax noprefix

        .code64
start64:
        mov     rax, 0x123456789abcdef0         # only a 64-bit register holds this
        mov     rdx, rax
        shr     rdx, 32
        cmp     edx, 0x12345678
        jne     halt
        lea     rsi, says_long[rip]
        call    say64

        mov     ecx, star
        xor     eax, eax
        mov     edx, 0x00180018                 # ring 0: 0x18; ring 3: 0x20 and 0x28
        wrmsr
        mov     ecx, lstar
        mov     eax, offset called
        xor     edx, edx
        wrmsr
        enter_ring3 calls, rsp

calls:
        syscall
        jmp     calls

called:
        mov     eax, cs
        test    eax, 3
        jnz     halt
        lea     rsi, says_kernel[rip]
        call    say64
halt:
        cli
        hlt
        jmp     halt

say64:
        mov     dx, com1 + 5
        in      al, dx
        test    al, 0x20
        jz      say64
        mov     al, [rsi]
        test    al, al
        jz      1f
        mov     dx, com1
        out     dx, al
        inc     rsi
        jmp     say64
1:      ret

says_long:      .asciz  "long\n"
says_kernel:    .asciz  "kernel\n"
