// SPDX-License-Identifier: MIT
// SHA-1 and SHA-256 page by page in plain C++, and the choice between that and the processor's own
// instructions.
#include "src/kernels/digest_padding.h"
#include "src/kernels/sha1.h"
#include "src/kernels/sha256.h"

namespace fakedirty {
namespace {

template <class Algorithm>
inline void DigestPages(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                        uint8_t* digests) {
  // The padding holds numbers; a block holds bytes, big-endian.
  const PaddingBlock padding(parameters.page_size, true);
  uint8_t last[64];
  for (size_t i = 0; i < 16; ++i) StoreBig(last + 4 * i, padding.words[i]);
  for (size_t page = 0; page < count; ++page, digests += Algorithm::kDigestBytes) {
    Algorithm state;
    for (size_t offset = 0; offset < parameters.page_size; offset += 64) {
      state.Compress(pages[page] + offset);
    }
    state.Compress(last);
    state.Write(digests);
  }
}

struct PlainSha1 {
  static constexpr size_t kDigestBytes = 20;
  uint32_t h[5];

  PlainSha1() { memcpy(h, kSha1Initial, sizeof(h)); }

  void Compress(const uint8_t* block) {
    uint32_t w[16];
    for (size_t i = 0; i < 16; ++i) w[i] = ByteSwap(LoadLittle<uint32_t>(block + 4 * i));
    Steps(h[0], h[1], h[2], h[3], h[4], w);
  }

  // The words of the state stay in registers: each step hands them to the next in other roles.
  template <size_t kStep = 0>
  __attribute__((always_inline)) inline void Steps(uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                                                   uint32_t e, uint32_t* w) {
    if constexpr (kStep < 80) {
      constexpr size_t i = kStep % 16;
      if (kStep >= 16) {
        w[i] = RotateLeft(w[(i + 13) % 16] ^ w[(i + 8) % 16] ^ w[(i + 2) % 16] ^ w[i], 1);
      }
      uint32_t mixed = b ^ c ^ d;
      if (kStep < 20) mixed = d ^ (b & (c ^ d));
      if (kStep >= 40 && kStep < 60) mixed = (b & c) | (d & (b | c));
      e += RotateLeft(a, 5) + mixed + kSha1Constants[kStep / 20] + w[i];
      Steps<kStep + 1>(e, a, RotateLeft(b, 30), c, d, w);
    } else {
      const uint32_t after[5] = {a, b, c, d, e};
      for (size_t i = 0; i < 5; ++i) h[i] += after[i];
    }
  }

  void Write(uint8_t* digest) const {
    for (size_t i = 0; i < 5; ++i) StoreBig(digest + 4 * i, h[i]);
  }
};

struct PlainSha256 {
  static constexpr size_t kDigestBytes = 32;
  uint32_t h[8];

  PlainSha256() { memcpy(h, kSha256Initial, sizeof(h)); }

  void Compress(const uint8_t* block) {
    uint32_t w[16];
    for (size_t i = 0; i < 16; ++i) w[i] = ByteSwap(LoadLittle<uint32_t>(block + 4 * i));
    Steps(h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], w);
  }

  static uint32_t Right(uint32_t word, int bits) { return RotateLeft(word, 32 - bits); }

  template <size_t kStep = 0>
  __attribute__((always_inline)) inline void Steps(uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                                                   uint32_t e, uint32_t f, uint32_t g,
                                                   uint32_t last, uint32_t* w) {
    if constexpr (kStep < 64) {
      constexpr size_t i = kStep % 16;
      if (kStep >= 16) {
        const uint32_t early = w[(i + 1) % 16], late = w[(i + 14) % 16];
        w[i] += (Right(early, 7) ^ Right(early, 18) ^ early >> 3) + w[(i + 9) % 16] +
                (Right(late, 17) ^ Right(late, 19) ^ late >> 10);
      }
      const uint32_t first = last + (Right(e, 6) ^ Right(e, 11) ^ Right(e, 25)) +
                             (g ^ (e & (f ^ g))) + kSha256Constants[kStep] + w[i];
      const uint32_t second =
          (Right(a, 2) ^ Right(a, 13) ^ Right(a, 22)) + ((a & b) | (c & (a | b)));
      Steps<kStep + 1>(first + second, a, b, c, d + first, e, f, g, w);
    } else {
      const uint32_t after[8] = {a, b, c, d, e, f, g, last};
      for (size_t i = 0; i < 8; ++i) h[i] += after[i];
    }
  }

  void Write(uint8_t* digest) const {
    for (size_t i = 0; i < 8; ++i) StoreBig(digest + 4 * i, h[i]);
  }
};

}  // namespace

void Sha1OneByOne(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                  uint8_t* digests, [[maybe_unused]] const uint8_t* next) {
#if defined(__x86_64__)
  if (parameters.sha_instructions) return Sha1Instructions(parameters, pages, count, digests, next);
#endif
  DigestPages<PlainSha1>(parameters, pages, count, digests);
}

void Sha256OneByOne(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                    uint8_t* digests, [[maybe_unused]] const uint8_t* next) {
#if defined(__x86_64__)
  if (parameters.sha_instructions)
    return Sha256Instructions(parameters, pages, count, digests, next);
#endif
  DigestPages<PlainSha256>(parameters, pages, count, digests);
}

}  // namespace fakedirty
