// Two messages of two MD5 blocks that MD5 takes for each other, from its standard initial value on: X. Wang, D. Feng,
// X. Lai, H. Yu, "Collisions for Hash Functions MD4, MD5, HAVAL-128 and RIPEMD", 2004. Whatever follows both, they
// still collide: so pages that begin with them, and are equal otherwise, do.

/** The first message. */
export const collidingBytes = Buffer.from(
  'd131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f89' +
    '55ad340609f4b30283e488832571415a085125e8f7cdc99fd91dbdf280373c5b' +
    'd8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0' +
    'e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70',
  'hex',
);

/** In these bytes the second message has the highest bit flipped. */
const flippedBytes = [19, 45, 59, 83, 109, 123];

/** The page with the other message at its beginning, which has to begin with one of them. */
export function md5Twin(page: Buffer): Buffer {
  const twin = Buffer.from(page);
  for (const at of flippedBytes) twin[at] = (twin[at] ?? 0) ^ 0x80;
  return twin;
}
