// SPDX-License-Identifier: MIT
// Checks the references against published values and algebra, before anything is checked against
// them.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "random.h"
#include "reference/binary_field.h"
#include "reference/murmur3.h"
#include "reference/ph128.h"

namespace fakedirty_test {
namespace {

std::vector<uint8_t> Bytes(const std::string& text) { return {text.begin(), text.end()}; }

void AppendLittle(uint64_t word, int bytes, std::vector<uint8_t>* to) {
  for (int i = 0; i < bytes; ++i) to->push_back(static_cast<uint8_t>(word >> (8 * i)));
}

// The verification value of SMHasher: hash keys of 0 to 255 bytes (0, 1, 2, ...) with seeds from
// 256 down, then hash all the digests, and take the first four bytes, little-endian.
template <class DigestBytes>
uint32_t SmhasherVerification(DigestBytes digest_bytes) {
  std::vector<uint8_t> key, digests;
  for (uint32_t i = 0; i < 256; ++i) {
    const std::vector<uint8_t> digest = digest_bytes(key, 256 - i);
    digests.insert(digests.end(), digest.begin(), digest.end());
    key.push_back(static_cast<uint8_t>(i));
  }
  const std::vector<uint8_t> last = digest_bytes(digests, 0);
  return last[0] | last[1] << 8 | last[2] << 16 | uint32_t{last[3]} << 24;
}

TEST(Murmur3Reference, GivesSmhasherVerificationValueOf32Bits) {
  const auto digest_bytes = [](const std::vector<uint8_t>& key, uint32_t seed) {
    std::vector<uint8_t> digest;
    AppendLittle(Murmur3_32(key.data(), key.size(), seed), 4, &digest);
    return digest;
  };
  EXPECT_EQ(SmhasherVerification(digest_bytes), 0xB0F57EE3u);
}

TEST(Murmur3Reference, GivesSmhasherVerificationValueOf128Bits) {
  const auto digest_bytes = [](const std::vector<uint8_t>& key, uint32_t seed) {
    const Murmur3Digest hash = Murmur3_128(key.data(), key.size(), seed);
    std::vector<uint8_t> digest;
    AppendLittle(hash.h1, 8, &digest);
    AppendLittle(hash.h2, 8, &digest);
    return digest;
  };
  EXPECT_EQ(SmhasherVerification(digest_bytes), 0x6384BA69u);
}

TEST(Murmur3Reference, GivesWellKnownDigestsOf32Bits) {
  const struct {
    std::vector<uint8_t> bytes;
    uint32_t seed, digest;
  } known[] = {
      {{}, 0, 0},
      {{}, 1, 0x514E28B7},
      {{}, 0xFFFFFFFF, 0x81F16F39},
      {{0xFF, 0xFF, 0xFF, 0xFF}, 0, 0x76293B50},
      {{0x21, 0x43, 0x65, 0x87}, 0, 0xF55B516B},
      {{0x21, 0x43, 0x65, 0x87}, 0x5082EDEE, 0x2362F9DE},
      {{0x21, 0x43, 0x65}, 0, 0x7E4A8634},
      {{0x21}, 0, 0x72661CF4},
      {Bytes("aaaa"), 0x9747B28C, 0x5A97808A},
      {Bytes("Hello, world!"), 0x9747B28C, 0x24884CBA},
      {Bytes("The quick brown fox jumps over the lazy dog"), 0x9747B28C, 0x2FA826CD},
  };
  for (const auto& row : known) {
    EXPECT_EQ(Murmur3_32(row.bytes.data(), row.bytes.size(), row.seed), row.digest);
  }
}

TEST(Murmur3Reference, GivesAWellKnownDigestOf128Bits) {
  const std::vector<uint8_t> fox = Bytes("The quick brown fox jumps over the lazy dog");
  const Murmur3Digest digest = Murmur3_128(fox.data(), fox.size(), 0);
  EXPECT_EQ(digest.h1, 0xe34bbc7bbc071b6c);
  EXPECT_EQ(digest.h2, 0x7a433ca9c49a9347);
}

int Degree(Product value) {
  int degree = -1;
  for (; value; value >>= 1) ++degree;
  return degree;
}

Product Remainder(Product value, Product divisor) {
  while (Degree(value) >= Degree(divisor)) value ^= divisor << (Degree(value) - Degree(divisor));
  return value;
}

// Rabin's test: a polynomial f of degree w, a power of two, is irreducible if f divides
// x^(2^w) - x and shares no factor with x^(2^(w/2)) - x.
template <int kWidth>
bool IsIrreducible() {
  using Field = BinaryField<kWidth>;
  const Word x = 2;
  Word power = x;  // x^(2^i) after i squarings
  Word middle = 0;
  for (int i = 1; i <= kWidth; ++i) {
    power = Field::MultiplyInField(power, power);
    if (i == kWidth / 2) middle = power;
  }
  Product a = Field::kModulus, b = middle ^ x;
  while (b > 1) {
    const Product remainder = Remainder(a, b);
    a = b;
    b = remainder;
  }
  return power == x && b == 1;
}

TEST(BinaryFieldReference, ModuliAreIrreducible) {
  EXPECT_TRUE(IsIrreducible<4>());
  EXPECT_TRUE(IsIrreducible<8>());
  EXPECT_TRUE(IsIrreducible<64>());
}

// A polynomial of degree three is irreducible if it has no root.
TEST(BinaryFieldReference, ModulusOfThreeBitsHasNoRoot) {
  EXPECT_EQ(BinaryField<3>::kModulus & 1, 1u);                                    // at 0
  EXPECT_EQ(__builtin_parityll(static_cast<Word>(BinaryField<3>::kModulus)), 1);  // at 1
}

// FIPS 197, section 4.2: {57} * {83} = {c1}, {57} * {13} = {fe}.
TEST(BinaryFieldReference, MultipliesAsAesDoes) {
  EXPECT_EQ(BinaryField<8>::MultiplyInField(0x57, 0x83), 0xc1u);
  EXPECT_EQ(BinaryField<8>::MultiplyInField(0x57, 0x13), 0xfeu);
}

TEST(BinaryFieldReference, EveryElementButZeroHasOneInverse) {
  for (Word a = 1; a < 8; ++a) {
    int inverses = 0;
    for (Word b = 0; b < 8; ++b) inverses += BinaryField<3>::MultiplyInField(a, b) == 1;
    EXPECT_EQ(inverses, 1);
  }
}

// One pair, worked out by hand with 3-bit words: a = 5, b = 3; k = 1, 2, 4, 6; r = 3, r' = 5.
//   H  = (5^1)(3^2) = x^2 * 1         = 100        hi 0, lo 4: fold 4
//   H' = (5^4)(3^6) = 1 * (x^2 + 1)   = 101        hi 0, lo 5: fold 5
// and with k = 2, 4: H = (5^2)(3^4) = 111 * 111 = 10101, hi 2, lo 5: 2 * 3 = 6, fold 6 ^ 5 = 3.
TEST(Ph128Reference, AgreesWithPaper) {
  const Word page[] = {5, 3};
  const Word key[] = {1, 2, 4, 6, 3, 5};
  const auto digest = Ph128<3>::Hash(page, 1, key);
  EXPECT_EQ(digest.first, 4u);
  EXPECT_EQ(digest.second, 5u);
  const Word other_key[] = {2, 4, 4, 6, 3, 5};
  EXPECT_EQ(Ph128<3>::Hash(page, 1, other_key).first, 3u);
}

// With a key of zeros and folds of one, plain products remain:
// (x^63)(x^63) = x^126, hi = x^62, lo = 0.
TEST(Ph128Reference, FoldsTheHighestTerm) {
  const Word page[] = {Word{1} << 63, Word{1} << 63};
  const Word key[] = {0, 0, 0, 0, 1, 4};
  const auto digest = Ph128<64>::Hash(page, 1, key);
  EXPECT_EQ(digest.first, Word{1} << 62);
  EXPECT_EQ(digest.second, 0x1Bu);  // x^62 * x^2 = x^64
}

}  // namespace
}  // namespace fakedirty_test
