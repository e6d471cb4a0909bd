# SPDX-License-Identifier: MIT
# Compiles for 64-bit Arm with glibc on a machine of another kind, with Debian's cross compiler; programs that are built
# run there in QEMU's user mode. Highway and xxHash are headers alone: those of the machine serve.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)

# Libraries of the machine are for the wrong processor. The tests need some, which may lie in a directory of their own,
# laid out as in Debian's packages for arm64.
set(FAKEDIRTY_ARM64_LIBRARIES "" CACHE PATH "Where the packages for arm64 that the tests need are unpacked")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES FAKEDIRTY_ARM64_LIBRARIES)
set(CMAKE_FIND_ROOT_PATH ${FAKEDIRTY_ARM64_LIBRARIES} /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(OPENSSL_USE_STATIC_LIBS ON)  # a shared one would have to be found at run time, too
if(FAKEDIRTY_ARM64_LIBRARIES)
  # OpenSSL has headers that differ from processor to processor.
  set(CMAKE_CXX_STANDARD_INCLUDE_DIRECTORIES ${FAKEDIRTY_ARM64_LIBRARIES}/usr/include/aarch64-linux-gnu)
endif()
