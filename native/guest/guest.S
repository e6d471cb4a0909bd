# SPDX-License-Identifier: MIT
#
# The test guest: a 64 KiB firmware image that fills its working set, then writes to it in one of a
# few patterns for ever. It is deterministic, starts in milliseconds, needs no other firmware, and can
# say at any time whether its memory holds what it wrote: after a migration, on the destination.
#
# In this folder:
#
#   as --64 guest.S -o guest.o && ld -m elf_x86_64 -Ttext 0xf0000 --oformat binary guest.o -o guest.bin
#
# With --defsym ring=3 all that it does once it has started, it does in ring 3 of 64-bit mode (ring3.S);
# otherwise in ring 0 of 32-bit mode. What it does is in work.S and command.S, the same code for both.
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
#   'f'  -> "flipping"                  goes on with the pattern flip, after idle or rewrite, and an even number of passes
#   'l'  -> "long", "kernel"            enters 64-bit mode, says so there, has ring 3 call ring 0, says
#                                       that that works, and halts: a probe of the accelerator, which
#                                       ends the guest (in ring 0, and not when paged): probe.S
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
# With several vCPUs (in ring 3), each writes every vcpus-th of those words: they work on the same pages at the same
# time, or on neighbours where a page has fewer words than there are vCPUs. A pass begins when all have ended the one
# before; the page by which they count passes changes in each.
#
# When it is paged, each page of the working set lies one page behind its address, and the page table
# lies where the first one would: two pages with one address, one by the table and one without it.
# Every pass has the table read before it writes that first page. An emulator that keeps translations
# of both kinds must not take one for the other.

        .intel_syntax noprefix
        .text

        .ifndef ring
        .set    ring, 0
        .endif

        .set    stack_top, 0x8000               # of the first vCPU; the others' are above
        .set    stack_bytes, 0x100              # of each of the others
        .set    step, 0xc000                    # words from one that a vCPU writes to its next one
        .set    doing, step + 4                 # the pattern, until it is told to do something else
        .set    page_tables, 0x10000            # see long-mode.S; the directory when paged
        .set    looked_up, 0x20000              # a page that is read for its translation's sake
        .set    others_vector, 0xf2             # the page of this image at which other processors start
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
vcpus:          .long   1                       # that write; more than one in ring 3 only
        .balign 64

        .code32

# Registers of everything from here on, for good: ebp passes made, ebx 1 while writing. The memory that it
# uses besides the working set is the stack, and what has a name above or in ring3.S.
start32:
        mov     eax, 0x10
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        .if     ring
        jmp     start_ring3
        .else
        mov     esp, stack_top
        call    set_up_devices
        cmp     dword ptr [paged], 0
        je      work
        call    map
        jmp     work
        .endif

set_up_devices:
        mov     al, 2                           # A20 gate, wherever it was
        out     0x92, al
        mov     dx, com1 + 3                    # 8 bits, no parity, one stop bit
        mov     al, 3
        out     dx, al
        mov     dx, com1 + 2                    # FIFO on: a command may come in any time
        mov     al, 1
        out     dx, al
        ret

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

        .include "long-mode.S"
        .if     ring
        .include "ring3.S"
        .code64
        .else
        .include "probe.S"
        .code32
        .endif
        .include "work.S"
        .include "command.S"

        .balign 8
# All marked as accessed: the processor would mark them itself, but this is read-only memory.
descriptors:
        .quad   0
        .quad   0x00cf9b000000ffff              # 0x08: code, 32 bits, flat
        .quad   0x00cf93000000ffff              # 0x10: data, flat
        .quad   0x00af9b000000ffff              # 0x18: code, 64 bits
        .quad   0x00cff3000000ffff              # 0x20: data, flat, of ring 3
        .quad   0x00affb000000ffff              # 0x28: code, 64 bits, of ring 3
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

        # The other processors are told to start at this page.
        .org    (others_vector & 15) << 12
        .att_syntax
        ljmpw   $0xf000, $(_start - parameters)
        .intel_syntax noprefix

        # A processor starts here, 16 bytes below 4 GiB; the same bytes are below 1 MiB as well, where
        # it goes on.
        .org    0xfff0
        .att_syntax
        ljmpw   $0xf000, $(_start - parameters)
        .org    0x10000
