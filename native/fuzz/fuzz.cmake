# SPDX-License-Identifier: MIT
# The fuzz targets: fuzz_abi and fuzz_history. Included by ../CMakeLists.txt if FAKEDIRTY_FUZZ is on.
# To run one by hand: fuzz_history -max_total_time=3600 CORPUS_DIRECTORY

foreach(name abi history)
  add_executable(fuzz_${name} fuzz/fuzz_${name}.cc)
  target_compile_options(fuzz_${name} PRIVATE -Wall -Wextra -fsanitize=fuzzer-no-link)
  set_target_properties(fuzz_${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/fuzz)
  target_include_directories(fuzz_${name} PRIVATE
    ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/test)
  target_link_libraries(fuzz_${name} PRIVATE fakedirty_static)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  # A short run: npm test runs them longer.
  add_test(NAME Fuzz.${name}
    COMMAND fuzz_${name} -runs=100000 -max_total_time=15 -max_len=1024 -seed=1 -timeout=10)
  set_tests_properties(Fuzz.${name} PROPERTIES TIMEOUT 120)
endforeach()
