#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks in the machine code of a library that a kernel which copies and hashes at once reads each word once (R1).

    one_reading.py OBJDUMP LIBRARY

The guest may write the page meanwhile. Were a word loaded twice, once to be stored in the copy and once to be hashed,
the two could differ, which no test that runs the kernel is sure to notice. So: besides its stores to the copy, the loop
of Ph128Copy may have exactly three loads of the same width for each store, from the page, from the key, and from the
shifted key, and nothing that reads those addresses again.
"""
import collections
import re
import subprocess
import sys

FUNCTION = re.compile(r"^[0-9a-f]+ <fakedirty::N_(\w+)::Ph128Copy\(")
LOADS_FOR_A_STORE = 3

Instruction = collections.namedtuple("Instruction", "place mnemonic operands")

# What an instruction does with memory: which addresses (base and index registers), at which offset, how many bytes.
Access = collections.namedtuple("Access", "stores address offset bytes")


def x86_accesses(mnemonic, operands):
    if mnemonic.startswith(("prefetch", "nop", "lea", "cs", "data16")):
        return []
    memory = re.search(r"(-?0x[0-9a-f]+)?\((%\w+)?(?:,(%\w+),(\d))?\)", operands)
    if not memory or memory.group(2) == "%rip":
        return []
    widths = [{"x": 16, "y": 32, "z": 64}[kind] for kind in re.findall(r"%([xyz])mm", operands)]
    narrow = re.fullmatch(r"v?(movddup|p?broadcast\w+|movq|movd|movhp[sd]|movlp[sd]|pinsr\w)", mnemonic)
    size = 8 if narrow or not widths else max(widths)
    stores = operands.endswith(")")
    return [Access(stores, memory.group(2, 3), int(memory.group(1) or "0", 16), size)]


def arm_accesses(mnemonic, operands):
    if not re.match(r"(ld|st)", mnemonic):
        return []
    registers, _, address = operands.partition("[")
    base, *index = re.findall(r"\b(sp|[xw]\d+)\b", address)
    offset = re.search(r"#(-?\d+)\]", address)
    size = {"q": 16, "d": 8, "x": 8, "v": 8, "s": 4, "w": 4}
    names = re.findall(r"\b([qdxvsw])\d+\b", registers)
    accesses = []
    at = int(offset.group(1)) if offset else 0
    for name in names:
        accesses.append(Access(mnemonic.startswith("st"), (base, *index), at, size[name]))
        at += size[name]
    return accesses


def functions(objdump, library):
    """The instructions of each function of that name: (target, instructions)."""
    text = subprocess.run([objdump, "-d", "-C", "--no-show-raw-insn", library], check=True,
                          capture_output=True, text=True).stdout
    target, instructions = None, []
    for line in text.splitlines() + [""]:
        started = FUNCTION.match(line)
        if started:
            target, instructions = started.group(1), []
        elif target and not line.strip():
            yield target, instructions
            target = None
        elif target:
            place, _, rest = line.partition(":")
            words = rest.split(" # ")[0].split("//")[0].split(None, 1)
            if words:
                operands = words[1].strip() if len(words) > 1 else ""
                instructions.append(Instruction(int(place, 16), words[0], operands))


def accesses_of(instruction):
    read = arm_accesses if "[" in instruction.operands else x86_accesses
    return read(instruction.mnemonic, instruction.operands)


def loop(instructions):
    """The places from where to where the loop with the stores goes: the shortest jump back over one."""
    stores = [one.place for one in instructions if any(a.stores and a.bytes >= 16 for a in accesses_of(one))]
    ranges = []
    for one in instructions:
        target = re.search(r"(?:^|, )([0-9a-f]+) <", one.operands)
        if target and any(int(target.group(1), 16) <= store <= one.place for store in stores):
            ranges.append((int(target.group(1), 16), one.place))
    return min(ranges, key=lambda range: range[1] - range[0], default=(0, -1))


def problems(instructions):
    first, last = loop(instructions)
    accesses = []
    for one in instructions:
        if re.fullmatch(r"call\w*|blr?|rep\w*", one.mnemonic):
            yield f"calls another function, or copies with a string instruction: {one.mnemonic} {one.operands}"
        if first <= one.place <= last:
            accesses += accesses_of(one)
        elif any(access.stores and access.bytes >= 16 for access in accesses_of(one)):
            yield f"stores outside of the loop: {one.mnemonic} {one.operands}"
    places = collections.defaultdict(list)
    for access in accesses:
        places[access.stores, access.address].append((access.offset, access.bytes))
    copies = [at for at in places if at[0]]
    sources = [at for at in places if not at[0]]
    if len(copies) != 1 or len(sources) != LOADS_FOR_A_STORE:
        yield f"stores to {len(copies)} places instead of 1, loads from {len(sources)} instead of {LOADS_FOR_A_STORE}"
        return
    shape = relative(places[copies[0]])
    for at in sources:
        if relative(places[at]) != shape:
            yield f"loads {relative(places[at])} from {at[1]}, and stores {shape}"


def relative(accesses):
    """Offsets and widths, sorted, as seen from the first: a place and its copy look alike."""
    first = min(offset for offset, _ in accesses)
    return sorted((offset - first, size) for offset, size in accesses)


def main():
    objdump, library = sys.argv[1:]
    found = failed = 0
    for target, instructions in functions(objdump, library):
        found += 1
        wrong = list(problems(instructions))
        failed += bool(wrong)
        print(f"{target}: {'; '.join(wrong) or 'reads each word once'}")
    if not found:
        print(f"{library} has no such kernel")
    sys.exit(0 if found and not failed else 1)


main()
