# SPDX-License-Identifier: MIT
# Fails unless the benchmark PROGRAM writes JSON that says what was measured, and spoils nothing that
# stands where it is to be written. WORK is a folder for files.

function(run expected_code)
  execute_process(COMMAND ${PROGRAM} --quick --memory 64 ${ARGN}
    RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE problem)
  if(NOT code EQUAL expected_code)
    message(FATAL_ERROR "${ARGN}: ended with ${code}, not ${expected_code}: ${output}${problem}")
  endif()
  set(problem "${problem}" PARENT_SCOPE)
endfunction()

function(expect_rows file)  # then name and kind of each row
  file(READ ${file} json)
  list(LENGTH ARGN words)
  math(EXPR expected "${words} / 2")
  string(JSON found LENGTH "${json}" rows)
  if(NOT found EQUAL expected)
    message(FATAL_ERROR "${found} rows, not ${expected}: ${json}")
  endif()
  math(EXPR last "${expected} - 1")
  foreach(row RANGE ${last})
    math(EXPR at "2 * ${row}")
    list(SUBLIST ARGN ${at} 2 expected)
    string(JSON name GET "${json}" rows ${row} name)
    string(JSON kind GET "${json}" rows ${row} kind)
    if(NOT "${name};${kind}" STREQUAL "${expected}")
      message(FATAL_ERROR "row ${row} is ${name}, ${kind}; expected ${expected}")
    endif()
    foreach(place cacheGBps memoryGBps)
      string(JSON speed GET "${json}" rows ${row} ${place})
      if(NOT speed GREATER 0)
        message(FATAL_ERROR "${name}: ${place} is ${speed}")
      endif()
    endforeach()
  endforeach()
endfunction()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
run(0 --only md5 --json ${WORK}/md5.json)
expect_rows(${WORK}/md5.json md5 ours openssl-md5 rival)
run(0 --only copy-hot --json ${WORK}/copy.json)
expect_rows(${WORK}/copy.json copy-hot limit)

# Results that are there already stay until there are others.
run(2 --only nothing-of-that-name --json ${WORK}/copy.json)
expect_rows(${WORK}/copy.json copy-hot limit)

run(1 --only copy-hot --json ${WORK}/nowhere/copy.json)
if(NOT problem MATCHES "--json .*nowhere/copy.json: can't write there: No such file")
  message(FATAL_ERROR "a wrong folder is told as: ${problem}")
endif()

# A device is no file to be replaced.
file(CREATE_LINK /dev/full ${WORK}/full SYMBOLIC)
run(1 --only copy-hot --json ${WORK}/full)
if(NOT problem MATCHES "writing failed: No space left")
  message(FATAL_ERROR "a full device is told as: ${problem}")
endif()
file(GLOB left RELATIVE ${WORK} ${WORK}/*)
list(SORT left)
if(NOT left STREQUAL "copy.json;full;md5.json" OR NOT IS_SYMLINK ${WORK}/full)
  message(FATAL_ERROR "left behind: ${left}")
endif()
