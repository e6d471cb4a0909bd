# SPDX-License-Identifier: MIT
#
# What the guest is told and says on COM1, a part of guest.S. For 32 bits or 64, like work.S.

        .macro  save register
        .if     ring
        push    r\register
        .else
        push    e\register
        .endif
        .endm

        .macro  restore register
        .if     ring
        pop     r\register
        .else
        pop     e\register
        .endif
        .endm

# Carries out the command that has come in, if one has.
obey:
        mov     dx, com1 + 5
        in      al, dx
        test    al, 1
        jz      .Lnothing
        mov     dx, com1
        in      al, dx
        cmp     al, 'p'
        je      say_pass
        cmp     al, '?'
        je      check
        cmp     al, 's'
        je      .Lstop
        cmp     al, 'g'
        je      .Lgo
        cmp     al, 'f'
        je      .Lflip_now
        .if     !ring
        cmp     al, 'l'
        je      probe
        .endif
.Lnothing:
        ret
.Lstop:
        xor     ebx, ebx
        lea     esi, says_stopped
        jmp     say
.Lgo:
        mov     ebx, 1
        lea     esi, says_going
        jmp     say

.Lflip_now:
        mov     dword ptr [doing], flip
        inc     ebp
        and     ebp, -2
        lea     esi, says_flipping
        jmp     say

say_pass:
        lea     esi, says_pass
        call    say
        mov     eax, ebp
        call    say_number
        jmp     say_end

# The text at esi, to its zero byte.
say:
        mov     al, [esi]
        test    al, al
        jz      1f
        inc     esi
        call    say_byte
        jmp     say
1:      ret

say_byte:
        save    ax
        mov     dx, com1 + 5
1:      in      al, dx
        test    al, 0x20
        jz      1b
        restore ax
        mov     dx, com1
        out     dx, al
        ret

# eax, as eight digits.
say_number:
        save    cx
        mov     ecx, 8
1:      rol     eax, 4
        save    ax
        and     eax, 15
        mov     al, digits[eax]
        call    say_byte
        restore ax
        loop    1b
        restore cx
        ret

say_end:
        mov     al, '\n'
        jmp     say_byte

says_ready:     .asciz  "ready\n"
says_pass:      .asciz  "pass="
says_bad:       .asciz  " bad="
says_sum:       .asciz  " sum="
says_stopped:   .asciz  "stopped\n"
says_going:     .asciz  "going\n"
says_flipping:  .asciz  "flipping\n"
digits:         .ascii  "0123456789abcdef"
