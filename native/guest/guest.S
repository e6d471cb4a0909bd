# SPDX-License-Identifier: MIT
#
# The test guest: a 64 KiB firmware image that fills its working set, then writes to it in one of a
# few patterns for ever. It is deterministic, starts in milliseconds, needs no other firmware, and can
# say at any time whether its memory holds what it wrote: after a migration, on the destination.
#
# In this folder:
#
#   as --32 guest.S -o guest.o && ld -m elf_i386 -Ttext 0xf0000 --oformat binary guest.o -o guest.bin
#
# Whoever starts it writes the parameter block at the start of the image. It talks on COM1, one
# line at a time, all numbers hexadecimal:
#
#   says "ready"                        the working set is filled, the pattern begins
#   'p'  -> "pass=N"                    passes over the working set so far
#   '?'  -> "pass=N bad=N sum=N"        checks every word of the working set against what it must
#                                       be after that many passes: wrong words, sum of all words
#   's'  -> "stopped"                   stops writing
#   'g'  -> "going"                     goes on writing
#   'l'  -> "long"                      enters 64-bit mode, says so there, and halts: a probe of the
#                                       accelerator, which ends the guest (not when paged): long-mode.S
#
# Word k of the working set (32 bits each) after pass p, where h says whether the pattern writes it:
#
#   idle, rewrite   V(k, 0)                                 V(k, p) = x ^ (x >> 16),
#   random          V(k, h ? p : 0)                         x = k * 0x9e3779b1 + seed + p * 0x85ebca6b
#   flip            h and p odd ? ~V(k, 0) : V(k, 0)
#   zero            h and p odd ? V(k, 0) : 0
#
# A pass visits the pages in order and writes `words` evenly spaced words in each. While they go on, idle and
# rewrite change nothing in memory: on the stack they put one return address, again and again.
#
# When it is paged, each page of the working set lies one page behind its address, and the page table
# lies where the first one would: two pages with one address, one by the table and one without it.
# Every pass has the table read before it writes that first page. An emulator that keeps translations
# of both kinds must not take one for the other.

        .intel_syntax noprefix
        .text

        .set    stack_top, 0x8000
        .set    page_tables, 0x10000            # three pages, for 'l'; the directory when paged
        .set    looked_up, 0x20000              # a page that is read for its translation's sake
        .set    com1, 0x3f8

        .set    idle, 0
        .set    rewrite, 1
        .set    random, 2
        .set    flip, 3
        .set    zero, 4

        .set    word_factor, 0x9e3779b1
        .set    pass_step, 0x85ebca6b

# The parameter block. lib/qemu/machine/guest.ts knows this layout.
parameters:
        .ascii  "FDGUEST1"
pattern:        .long   idle
base:           .long   0x100000                # of the working set; when paged, of the page table as well
pages:          .long   256
words:          .long   1                       # written in each page: a power of two, to 1024
seed:           .long   1
spins:          .long   0                       # pauses after each page: slows the pattern down
paged:          .long   0                       # 1: the working set, which then ends at 4 MiB at most
        .balign 64

        .code32

# Registers of the 32-bit part, for good: ebp passes made, ebx 1 while writing. The memory that it
# uses besides the working set is the stack, and what has a name above.
start32:
        mov     eax, 0x10
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     esp, stack_top
        mov     al, 2                           # A20 gate, wherever it was
        out     0x92, al

        mov     dx, com1 + 3                    # 8 bits, no parity, one stop bit
        mov     al, 3
        out     dx, al
        mov     dx, com1 + 2                    # FIFO on: a command may come in any time
        mov     al, 1
        out     dx, al

        cmp     dword ptr [paged], 0
        je      1f
        call    map
1:      call    fill
        lea     esi, says_ready
        call    say
        xor     ebp, ebp
        mov     ebx, 1

again:
        call    obey
        test    ebx, ebx
        jz      again
        cmp     dword ptr [pattern], idle
        je      again
        inc     ebp
        jmp     write

# One page table for the first 4 MiB: below the working set, addresses are what they were.
map:
        mov     edi, page_tables
        xor     eax, eax
        mov     ecx, 1024
        rep     stosd
        mov     edi, [base]
        lea     eax, [edi + 3]
        mov     [page_tables], eax
        mov     eax, 3                          # present, for writing
        mov     edx, edi
        shr     edx, 12
1:      cmp     ecx, edx
        jne     2f
        add     eax, 0x1000
2:      mov     [edi + ecx * 4], eax
        add     eax, 0x1000
        inc     ecx
        cmp     ecx, 1024
        jne     1b
        mov     eax, page_tables
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80000000
        mov     cr0, eax
        ret

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
1:      cmp     dword ptr [pattern], zero
        je      2f
        call    initial_value
2:      mov     [edi], eax
        add     edi, 4
        inc     ecx
        cmp     ecx, esi
        jne     1b
        ret

# One pass, as part of the loop. edi: address, ecx: number of the word, esi: its end in this page.
write:
        mov     edi, [base]
        xor     ecx, ecx
        cmp     dword ptr [paged], 0
        je      .Lpage
        mov     eax, [edi]                      # so that there is a translation of it
        mov     eax, looked_up
        invlpg  [eax]
        mov     eax, [eax]
.Lpage:
        lea     esi, [ecx + 1024]
.Lword:
        mov     eax, [pattern]
        cmp     eax, flip
        je      .Lflip
        cmp     eax, rewrite
        je      .Lrewrite
        cmp     eax, zero
        je      .Lzero
        call    value_of_pass
        mov     [edi], eax
        jmp     .Lnext
.Lflip:
        not     dword ptr [edi]
        jmp     .Lnext
.Lrewrite:
        mov     eax, [edi]
        mov     [edi], eax
        jmp     .Lnext
.Lzero:
        call    initial_value
        xor     [edi], eax
.Lnext:
        mov     eax, 1024
        xor     edx, edx
        div     dword ptr [words]
        add     ecx, eax
        lea     edi, [edi + eax * 4]
        cmp     ecx, esi
        jb      .Lword

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
        jb      .Lpage
        jmp     again

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
        cmp     al, 'l'
        je      long_mode
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

say_pass:
        lea     esi, says_pass
        call    say
        mov     eax, ebp
        call    say_number
        jmp     say_end

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
        inc     dword ptr [esp + 4]
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
        mov     eax, [esp + 4]
        call    say_number
        lea     esi, says_sum
        call    say
        mov     eax, [esp]
        call    say_number
        add     esp, 8
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
        mov     eax, [pattern]
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
        push    eax
        mov     dx, com1 + 5
1:      in      al, dx
        test    al, 0x20
        jz      1b
        pop     eax
        mov     dx, com1
        out     dx, al
        ret

# eax, as eight digits.
say_number:
        push    ecx
        mov     ecx, 8
1:      rol     eax, 4
        push    eax
        and     eax, 15
        mov     al, digits[eax]
        call    say_byte
        pop     eax
        loop    1b
        pop     ecx
        ret

say_end:
        mov     al, '\n'
        jmp     say_byte

        .include "long-mode.S"

says_ready:     .asciz  "ready\n"
says_pass:      .asciz  "pass="
says_bad:       .asciz  " bad="
says_sum:       .asciz  " sum="
says_stopped:   .asciz  "stopped\n"
says_going:     .asciz  "going\n"
says_long:      .asciz  "long\n"
digits:         .ascii  "0123456789abcdef"

        .balign 8
# All marked as accessed: the processor would mark them itself, but this is read-only memory.
descriptors:
        .quad   0
        .quad   0x00cf9b000000ffff              # 0x08: code, 32 bits, flat
        .quad   0x00cf93000000ffff              # 0x10: data, flat
        .quad   0x00af9b000000ffff              # 0x18: code, 64 bits
descriptor_register:
        .word   descriptor_register - descriptors - 1
        .long   descriptors

        .code16
        .globl  _start
_start:
        cli
        lgdtd   cs:[descriptor_register - parameters]
        mov     eax, cr0
        and     eax, 0x9fffffff                 # caches on
        or      al, 1
        mov     cr0, eax
        .att_syntax
        ljmpl   $0x08, $start32
        .intel_syntax noprefix

        # A processor starts here, 16 bytes below 4 GiB; the same bytes are below 1 MiB as well, where
        # it goes on.
        .org    0xfff0
        .att_syntax
        ljmpw   $0xf000, $(_start - parameters)
        .org    0x10000
