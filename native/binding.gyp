# The Node-API addon, build/Release/fakedirty.node of the package: the sources of libfakedirty and of native/addon.
# It lies here because npm compiles each package that has a binding.gyp of its own, on every "npm ci": "gypfile": false
# in package.json does not prevent that, since lock files don't repeat it.
# All flags that matter are set here, whatever the settings of Node's headers (common.gypi).
{
  'targets': [
    {
      'target_name': 'fakedirty',
      # Where it is looked for: beside prebuilds.
      'product_dir': '<(module_root_dir)/../build/Release',
      'sources': [
        # One list for node-gyp and CMake.
        '<!@(sed -n "/^\\(src\\|addon\\)\\//p" sources.txt)',
      ],
      'include_dirs': [
        '.',
        'include',
        '<!(node -p "require(\'node-addon-api\').include_dir")',
      ],
      'defines': [
        'FAKEDIRTY_STATIC',
        'NAPI_VERSION=9',
        # Calls that run JavaScript return a Maybe instead of a value that may be empty.
        'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS',
        'NODE_ADDON_API_DISABLE_DEPRECATED',
        'NODE_ADDON_API_ENABLE_MAYBE',
        # A worker thread may be terminated at any moment; then nothing can be thrown. Without this,
        # trying to would end the process (docs/decisions/node-api.md).
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
      ],
      'cflags': ['-O3', '-fvisibility=hidden', '-Wall', '-Wextra'],
      # Only what Node calls is exported. The C++ runtime library is linked dynamically, as Node does: a
      # static one would need a newer C library.
      'ldflags': [
        '-Wl,--version-script=<(module_root_dir)/addon/exports.map',
        # Node asks for functions to be bound when they are first called, and the dynamic linker then puts the
        # vector registers on the stack, where words of a key would outlast it.
        '-Wl,-z,now',
        # Node unloads the addons of a worker thread that ends, but a signal handler and pool threads may
        # still be running in this one (addon/mapping.cc).
        '-Wl,-z,nodelete',
      ],
      'cflags_cc': ['-std=c++17', '-fno-exceptions', '-fno-rtti', '-fvisibility-inlines-hidden'],
    },
  ],
}
