# SPDX-License-Identifier: MIT
# The test programs. Included by ../CMakeLists.txt, which makes the libraries that they link.

# Digests by other libraries, and the slow references.
add_library(fakedirty_reference STATIC test/reference/murmur3.cc test/reference/oracle.cc)
target_compile_options(fakedirty_reference PRIVATE -Wall -Wextra)
target_include_directories(fakedirty_reference PUBLIC
  ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/test)
target_link_libraries(fakedirty_reference PUBLIC GTest::gtest OpenSSL::Crypto ZLIB::ZLIB ${XXHASH_LIBRARY})

if(CMAKE_CROSSCOMPILING_EMULATOR)
  target_compile_definitions(fakedirty_reference PUBLIC FAKEDIRTY_TEST_EMULATED)
endif()

# A program from NAME_test.cc and one of the libraries.
function(fakedirty_test_program program name library)
  add_executable(${program} test/${name}_test.cc)
  target_compile_options(${program} PRIVATE -Wall -Wextra)
  target_link_libraries(${program} PRIVATE ${library} fakedirty_reference GTest::gtest_main)
  # As whatever holds a key should be linked: why, binding.gyp says.
  target_link_options(${program} PRIVATE -Wl,-z,now)
endfunction()

# Each program is one test for ctest: starting a process for each case would take longer than most cases.
function(fakedirty_test name library)
  fakedirty_test_program(fakedirty_${name}_test ${name} ${library})
  add_test(NAME fakedirty_${name}_test COMMAND fakedirty_${name}_test)
  set_tests_properties(fakedirty_${name}_test PROPERTIES TIMEOUT 300)
endfunction()

foreach(name
    abi_filter abi_hasher abi_table abi_text agreement classify history kernels key key_wiped mapping memory
    ph128_bound published quiet range reference rules secret threads vectors verdict)
  fakedirty_test(${name} fakedirty_static)
endforeach()
fakedirty_test(false_skips fakedirty_crippled)

# Each test of a rule must fail with the mutant that breaks the rule.
set(rule_tests
  R1EveryFingerprintIsThatOfTheCopy
  R1TheDestinationEndsAsTheSource
  R5ResetLeavesNoSlot
  R5AnotherDestinationGetsEverything
  R6NeighboursKeepWhatTheyCommitted)
set(mutant_rules R1 R5 R6)
if(FAKEDIRTY_SANITIZE STREQUAL "thread")
  list(FILTER rule_tests EXCLUDE REGEX "^R1")  # skipped there: a race by design
elseif(CMAKE_CROSSCOMPILING)
  # Some need a race, which is rare in an emulator.
  set(rule_tests)
  set(mutant_rules)
endif()
foreach(rule IN LISTS mutant_rules)
  fakedirty_test_program(fakedirty_rules_mutant_${rule}_test rules fakedirty_mutant_${rule})
endforeach()
foreach(test ${rule_tests})
  string(SUBSTRING ${test} 0 2 rule)
  add_test(NAME Mutant.${test}
    COMMAND fakedirty_rules_mutant_${rule}_test --gtest_filter=Rules.${test})
  set_tests_properties(Mutant.${test} PROPERTIES
    TIMEOUT 300 PASS_REGULAR_EXPRESSION "\\[  FAILED  \\] Rules\\.${test}")
endforeach()

# A production build sees nothing of the mutants: not a token.
add_test(NAME Mutants.AreNotInProductionBuilds
  COMMAND ${CMAKE_CXX_COMPILER} -E -P -x c++ ${CMAKE_CURRENT_SOURCE_DIR}/src/core/mutants.h)
set_tests_properties(Mutants.AreNotInProductionBuilds PROPERTIES FAIL_REGULAR_EXPRESSION "[^ \n]")

# Includes go one way: abi.cc, core, kernels, simd.
add_test(NAME Includes.GoDownwards
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${CMAKE_CURRENT_SOURCE_DIR}/src
    -P ${CMAKE_CURRENT_SOURCE_DIR}/test/includes.cmake)

# vectors.inc is what vectors.py prints.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  add_test(NAME Vectors.AreWhatTheirProgramPrints
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/test/vectors.py
      --check ${CMAKE_CURRENT_SOURCE_DIR}/test/vectors.inc)
endif()

# R1 in the machine code: what is stored in a copy is what is hashed. Sanitizers read on their own.
if(Python3_FOUND AND CMAKE_OBJDUMP AND NOT FAKEDIRTY_SANITIZE)
  set(one_reading ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/test/one_reading.py ${CMAKE_OBJDUMP})
  add_test(NAME R1.EachWordOfAPageIsReadOnce COMMAND ${one_reading} $<TARGET_FILE:fakedirty_static>)
  add_library(fakedirty_second_reading STATIC test/second_reading.cc)
  add_test(NAME Mutant.R1ASecondReadingIsNoticed
    COMMAND ${one_reading} $<TARGET_FILE:fakedirty_second_reading>)
  set_tests_properties(Mutant.R1ASecondReadingIsNoticed PROPERTIES
    PASS_REGULAR_EXPRESSION "MUTANT: loads .* and stores")
endif()

# The installed library, as its users find it. Sanitized builds are never installed.
if(NOT FAKEDIRTY_SANITIZE)
  add_test(NAME Install.WorksFromPkgConfig
    COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/test/install_test.sh
      ${CMAKE_CURRENT_BINARY_DIR} ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER} ${CMAKE_CROSSCOMPILING_EMULATOR})
  set_tests_properties(Install.WorksFromPkgConfig PROPERTIES TIMEOUT 120)
endif()

# The sources where the C library is musl. The processor's name in paths is that of glibc's.
string(REPLACE "-gnu" "-musl" musl_architecture "${CMAKE_LIBRARY_ARCHITECTURE}")
find_path(MUSL_INCLUDE features.h PATHS /usr/include/${musl_architecture} NO_DEFAULT_PATH)
if(MUSL_INCLUDE AND FAKEDIRTY_ADDON AND NOT FAKEDIRTY_SANITIZE AND NOT CMAKE_CROSSCOMPILING)
  add_test(NAME Musl.SourcesCompileWithItsHeaders
    COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/test/musl_test.sh ${CMAKE_CXX_COMPILER} ${MUSL_INCLUDE}
      ${HIGHWAY_INCLUDE} ${XXHASH_INCLUDE} ${NODE_ADDON_API_INC} ${CMAKE_JS_INC})
  set_tests_properties(Musl.SourcesCompileWithItsHeaders PROPERTIES TIMEOUT 300)
endif()

# The program in the guide is the one that is tested.
add_test(NAME Guide.ShowsTheProgramThatIsTested
  COMMAND ${CMAKE_COMMAND} -DWHOLE=${CMAKE_CURRENT_SOURCE_DIR}/../docs/guides/libfakedirty.md
    -DPART=${CMAKE_CURRENT_SOURCE_DIR}/test/example.c
    -P ${CMAKE_CURRENT_SOURCE_DIR}/test/contains.cmake)
