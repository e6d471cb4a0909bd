// SPDX-License-Identifier: MIT
#include "addon/source.h"

#include "addon/failure.h"
#include "addon/mapped_file.h"

namespace fakedirty_addon {

std::optional<View> View::Of(napi_env env, napi_value value) {
  // Napi::Uint8Array asks for an ArrayBuffer, which shared memory is not.
  napi_typedarray_type type;
  size_t length;
  void* data;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array) {
    return std::nullopt;
  }
  return View{static_cast<uint8_t*>(data), length};
}

std::optional<Source> Source::From(const Napi::CallbackInfo& call, size_t argument) {
  Source source;
  if (const MappedFile* const file = MappedFile::From(call[argument])) {
    source.mapping_ = file->mapping();
    const double offset = call[argument + 1].As<Napi::Number>().DoubleValue();
    const double bytes = call[argument + 2].As<Napi::Number>().DoubleValue();
    const bool inside = source.mapping_ && offset >= 0 && bytes >= 0 &&
                        offset + bytes <= static_cast<double>(source.mapping_->bytes());
    if (!inside) {
      ThrowMisuse(call.Env(), "not a range of an open file");
      return std::nullopt;
    }
    source.data_ = source.mapping_->data() + static_cast<uint64_t>(offset);
    source.bytes_ = static_cast<size_t>(bytes);
    source.live_ = true;
    return source;
  }
  const std::optional<View> view = View::Of(call[argument]);
  if (!view) {
    ThrowMisuse(call.Env(), "neither a Uint8Array nor a mapped file");
    return std::nullopt;
  }
  source.bytes_ = view->bytes;
  source.live_ = call[argument + 1].ToBoolean().Value();
  if (source.live_) {
    source.shared_ = Napi::Persistent(call[argument].As<Napi::Object>());
    source.data_ = view->data;
  } else {
    source.copy_.assign(view->data, view->data + view->bytes);
    source.data_ = source.copy_.data();
  }
  return source;
}

}  // namespace fakedirty_addon
