// SPDX-License-Identifier: MIT
// Kernels that the C ABI would not choose on this machine: the lanes and the plain code of SHA-1
// and SHA-256 on a processor with SHA instructions.
#include <gtest/gtest.h>

#include <vector>

#include "choices.h"
#include "hexadecimal.h"
#include "random.h"
#include "reference/oracle.h"
#include "src/kernels/kernel.h"

namespace fakedirty_test {
namespace {

class Kernels : public ::testing::TestWithParam<std::string> {
 protected:
  void CheckWithoutInstructions(int algorithm, fakedirty::Kernel (*kernel_for)(fakedirty::Target)) {
    const fakedirty::TargetName* const target = fakedirty::FindTarget(GetParam().c_str());
    ASSERT_NE(target, nullptr);
    const fakedirty::Kernel kernel = kernel_for(target->target);
    for (const size_t page_size : {size_t{1024}, size_t{4096}, size_t{65536}}) {
      fakedirty::HashParameters parameters;
      parameters.page_size = page_size;
      parameters.sha_instructions = false;
      for (const size_t count : {1, 2, 3, 5, 8, 17, 33})
        Check(algorithm, kernel, parameters, count);
    }
  }

 private:
  void Check(int algorithm, const fakedirty::Kernel& kernel,
             const fakedirty::HashParameters& parameters, size_t count) {
    const std::vector<uint8_t> bytes = random_.Bytes(count * parameters.page_size);
    std::vector<const uint8_t*> pages;
    for (size_t i = 0; i < count; ++i) pages.push_back(bytes.data() + i * parameters.page_size);
    std::vector<uint8_t> digests(count * DigestBytes(algorithm));
    kernel.digest(parameters, pages.data(), count, digests.data(), {});
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(Hexadecimal(digests.data() + i * DigestBytes(algorithm), DigestBytes(algorithm)),
                Hexadecimal(OracleDigest(algorithm, 0, nullptr, pages[i], parameters.page_size)))
          << "page " << i << " of " << count << ", size " << parameters.page_size;
    }
  }

  Random random_{7};
};

TEST_P(Kernels, Sha1WithoutShaInstructions) {
  CheckWithoutInstructions(FAKEDIRTY_SHA1, fakedirty::Sha1Kernel);
}

TEST_P(Kernels, Sha256WithoutShaInstructions) {
  CheckWithoutInstructions(FAKEDIRTY_SHA256, fakedirty::Sha256Kernel);
}

INSTANTIATE_TEST_SUITE_P(On, Kernels, ::testing::ValuesIn(Targets()), NameOfTarget);

}  // namespace
}  // namespace fakedirty_test
