// Simulates a migration of a small guest: which pages need not be sent again in each pass?
import { FingerprintTable, verdictNames } from 'fakedirty';

const pageSize = 4096;
const guest = Buffer.alloc(8 * pageSize);
for (let page = 1; page < 8; ++page)
  guest.fill(`page ${page} `, page * pageSize, (page + 1) * pageSize);

const table = new FingerprintTable({ pages: 8 });

function pass(name, marked) {
  const bytes = Buffer.concat(
    marked.map((page) => guest.subarray(page * pageSize, (page + 1) * pageSize)),
  );
  const check = table.check(bytes, marked);
  const said = marked.map((page, i) => `${page} ${verdictNames[check.verdicts[i]]}`);
  console.log(`${name}: ${said.join(', ')}`);
  // Here the pages that are not unchanged would be sent: from `bytes`, not from the guest (rule R1).
  table.commit(check);
}

pass('first pass', [0, 1, 2, 3, 4, 5, 6, 7]);
guest.write('page 1 ', 1 * pageSize); // the value that was there already
guest.write('changed', 2 * pageSize);
guest.fill(0, 3 * pageSize, 4 * pageSize);
pass('second pass', [1, 2, 3]);

const { counted } = table.statistics();
console.log(`sent ${counted.first + counted.zero + counted.changed}, skipped ${counted.unchanged}`);
table.dispose();
