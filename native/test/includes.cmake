# SPDX-License-Identifier: MIT
# Fails if a folder of SOURCE (native/src) includes one above it. From the top: core, kernels, simd.

function(expect_no_include folder)  # then the folders that it must not include
  file(GLOB_RECURSE files ${SOURCE}/${folder}/*.h ${SOURCE}/${folder}/*.cc)
  if(NOT files)
    message(FATAL_ERROR "${SOURCE}/${folder} has no sources")
  endif()
  foreach(above ${ARGN})
    foreach(file ${files})
      file(STRINGS ${file} found REGEX "#include \"src/${above}/")
      if(found)
        message(FATAL_ERROR "${file} must not have ${found}")
      endif()
    endforeach()
  endforeach()
endfunction()

expect_no_include(kernels core)
expect_no_include(simd core kernels)
