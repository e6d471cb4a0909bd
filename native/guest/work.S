# SPDX-License-Identifier: MIT
#
# What the guest does, a part of guest.S: fills its working set, writes to it, and compares it with what it
# must hold. For 32 bits or 64, as the mode is in which it is assembled; all addresses are below 4 GiB.

        .if     ring
        .set    slot, 8                         # bytes that a push takes
        .else
        .set    slot, 4
        .endif

work:
        mov     eax, 1024
        xor     edx, edx
        div     dword ptr [words]
        imul    eax, [vcpus]
        mov     [step], eax
        mov     eax, [pattern]
        mov     [doing], eax
        call    fill
        lea     esi, says_ready
        call    say
        xor     ebp, ebp
        mov     ebx, 1

again:
        call    obey
        test    ebx, ebx
        jz      again
        cmp     dword ptr [doing], idle
        je      again
        inc     ebp
        .if     ring
        call    begin_pass
        call    write
        call    end_pass
        .else
        call    write
        .endif
        jmp     again

# eax = V(ecx, 0); keeps ecx.
initial_value:
        imul    eax, ecx, word_factor
        add     eax, [seed]
        mov     edx, eax
        shr     edx, 16
        xor     eax, edx
        ret

# eax = V(ecx, ebp); keeps ecx.
value_of_pass:
        imul    edx, ebp, pass_step
        imul    eax, ecx, word_factor
        add     eax, [seed]
        add     eax, edx
        mov     edx, eax
        shr     edx, 16
        xor     eax, edx
        ret

fill:
        xor     ecx, ecx
        mov     edi, [base]
        mov     esi, [pages]
        shl     esi, 10                         # words
        xor     eax, eax
1:      cmp     dword ptr [doing], zero
        je      2f
        call    initial_value
2:      mov     [edi], eax
        add     edi, 4
        inc     ecx
        cmp     ecx, esi
        jne     1b
        ret

# This vCPU's part of a pass. edi: address, ecx: number of the word.
write:
        mov     edi, [base]
        xor     ecx, ecx
        .if     ring
        mov     eax, [step]                     # begins with the word that has its number
        xor     edx, edx
        div     dword ptr [vcpus]
        imul    eax, r15d
        add     ecx, eax
        lea     edi, [edi + eax * 4]
        .else
        cmp     dword ptr [paged], 0
        je      .Lword
        mov     eax, [edi]                      # so that there is a translation of it
        mov     eax, looked_up
        invlpg  [eax]
        mov     eax, [eax]
        .endif
.Lword:
        mov     eax, [doing]
        cmp     eax, flip
        je      .Lflip
        cmp     eax, rewrite
        je      .Lrewrite
        cmp     eax, zero
        je      .Lzero
        call    value_of_pass
        mov     [edi], eax
        jmp     .Lwritten
.Lflip:
        not     dword ptr [edi]
        jmp     .Lwritten
.Lrewrite:
        mov     eax, [edi]
        mov     [edi], eax
        jmp     .Lwritten
.Lzero:
        call    initial_value
        xor     [edi], eax
.Lwritten:
        mov     edx, ecx
        mov     eax, [step]
        add     ecx, eax
        lea     edi, [edi + eax * 4]
        xor     edx, ecx                        # the same page still?
        shr     edx, 10
        jz      .Lword

        mov     eax, [spins]
.Lspin:
        test    eax, eax
        jz      .Lspun
        pause
        dec     eax
        jmp     .Lspin
.Lspun:
        mov     eax, [pages]
        shl     eax, 10
        cmp     ecx, eax
        jb      .Lword
        ret

# Compares the working set with what it must hold. Stack: wrong words, sum.
check:
        push    0
        push    0
        mov     edi, [base]
        xor     ecx, ecx
.Lcheck:
        call    expected
        mov     edx, [edi]
        add     [esp], edx
        rol     dword ptr [esp], 1
        cmp     eax, edx
        je      .Lright
        inc     dword ptr [esp + slot]
.Lright:
        add     edi, 4
        inc     ecx
        mov     eax, [pages]
        shl     eax, 10
        cmp     ecx, eax
        jne     .Lcheck

        lea     esi, says_pass
        call    say
        mov     eax, ebp
        call    say_number
        lea     esi, says_bad
        call    say
        mov     eax, [esp + slot]
        call    say_number
        lea     esi, says_sum
        call    say
        mov     eax, [esp]
        call    say_number
        add     esp, 2 * slot
        jmp     say_end

# eax = what word ecx must hold; keeps ecx and edi.
expected:
        mov     eax, 1024                       # is it one that the pattern writes?
        xor     edx, edx
        div     dword ptr [words]
        dec     eax
        test    ecx, eax
        setz    dl
        movzx   esi, dl
        mov     eax, [doing]
        cmp     eax, random
        je      .Lrandom
        cmp     eax, flip
        je      .Lflipped
        cmp     eax, zero
        jne     initial_value
        and     esi, ebp
        test    esi, 1
        jnz     initial_value
        xor     eax, eax
        ret
.Lflipped:
        and     esi, ebp
        call    initial_value
        test    esi, 1
        jz      1f
        not     eax
1:      ret
.Lrandom:
        test    esi, esi
        jz      initial_value
        test    ebp, ebp
        jz      initial_value
        jmp     value_of_pass
