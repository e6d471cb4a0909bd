// SPDX-License-Identifier: MIT
#include "addon/source.h"

#include "addon/mapped_file.h"
#include "addon/wrapped.h"
#include "fakedirty.h"

namespace fakedirty_addon {
namespace {

uint8_t zero_page[FAKEDIRTY_PAGE_SIZE_MAX];  // never written

}  // namespace

std::optional<Source> Source::From(const Napi::CallbackInfo& call, size_t argument) {
  Source source;
  if (const MappedFile* const file = MappedFile::From(call[argument])) {
    source.mapping_ = file->mapping();
    const std::optional<uint64_t> offset = ToUint53(call[argument + 1]);
    const std::optional<uint64_t> bytes = ToUint53(call[argument + 2]);
    const bool inside =
        source.mapping_ && offset && bytes && *offset + *bytes <= source.mapping_->bytes();
    if (!inside) {
      ThrowMisuse(call.Env(), "not a range of an open file");
      return std::nullopt;
    }
    source.offset_ = *offset;
    source.data_ = source.mapping_->data() + *offset;
    source.bytes_ = *bytes;
    source.live_ = true;
    return source;
  }
  const std::optional<BytesView> view = ToBytes(call[argument]);
  if (!view) {
    ThrowMisuse(call.Env(), "neither a Uint8Array nor a mapped file");
    return std::nullopt;
  }
  source.bytes_ = view->length;
  source.live_ = IsTrue(call[argument + 1]);
  if (source.live_) {
    source.shared_ = Napi::Persistent(call[argument].As<Napi::Object>());
    source.data_ = view->data;
  } else {
    source.copy_.assign(view->data, view->data + view->length);
    source.data_ = source.copy_.data();
  }
  return source;
}

std::vector<const void*> Source::Pages(size_t page_size) const {
  std::vector<const void*> pages = PagesAt(data_, bytes_ / page_size, page_size);
  if (!mapping_) return pages;
  const Holes holes = mapping_->HolesIn(offset_, bytes_);
  for (size_t i = 0; i < pages.size(); ++i) {
    if (holes.Cover(i * page_size, page_size)) pages[i] = zero_page;
  }
  return pages;
}

std::vector<const void*> PagesAt(const uint8_t* bytes, size_t count, size_t page_size) {
  std::vector<const void*> pages(count);
  for (size_t i = 0; i < count; ++i) pages[i] = bytes + i * page_size;
  return pages;
}

Napi::Value NewSourceError(Napi::Env env, int status, const Source& source) {
  if (status != FAKEDIRTY_OK) return NewLibraryError(env, status).Value();
  if (!source.HasShrunk()) return Napi::Value();
  return NewError(env, "SHRUNK", "the file has become shorter").Value();
}

}  // namespace fakedirty_addon
