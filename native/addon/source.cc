// SPDX-License-Identifier: MIT
#include "addon/source.h"

#include "addon/mapped_file.h"
#include "addon/wrapped.h"
#include "fakedirty.h"

namespace fakedirty_addon {

std::optional<Source> Source::From(const Call& call, size_t argument) {
  Source source;
  if (const MappedFile* const file = Unwrap<MappedFile>(call.env, call[argument])) {
    source.mapping_ = file->mapping();
    const std::optional<uint64_t> offset = WholeNumberIn(call.env, call[argument + 1]);
    const std::optional<uint64_t> bytes = WholeNumberIn(call.env, call[argument + 2]);
    const bool inside =
        source.mapping_ && offset && bytes && *offset + *bytes <= source.mapping_->bytes();
    if (!inside) {
      ThrowMisuse(call.env, "not a range of an open file");
      return std::nullopt;
    }
    source.data_ = source.mapping_->data() + *offset;
    source.bytes_ = *bytes;
    source.live_ = true;
    return source;
  }
  const std::optional<BytesView> view = BytesIn(call.env, call[argument]);
  if (!view) {
    ThrowMisuse(call.env, "neither a Uint8Array nor a mapped file");
    return std::nullopt;
  }
  source.bytes_ = view->length;
  source.live_ = IsTrue(call.env, call[argument + 1]);
  if (source.live_) {
    source.shared_ = Reference(call.env, call[argument]);
    source.data_ = view->data;
  } else {
    source.copy_.assign(view->data, view->data + view->length);
    source.data_ = source.copy_.data();
  }
  return source;
}

napi_value NewSourceError(napi_env env, int status, const Source& source) {
  if (status != FAKEDIRTY_OK) return NewLibraryError(env, status);
  return source.HasShrunk() ? NewError(env, "SHRUNK", "the file has become shorter") : nullptr;
}

}  // namespace fakedirty_addon
