// The same package from CommonJS, and what an error looks like.
const { fingerprintPages, OptionError } = require('fakedirty');

console.log(fingerprintPages(Buffer.alloc(4096), { algorithm: 'md5' }).toString('hex'));
try {
  fingerprintPages(Buffer.alloc(4096), { algorithm: 'sha-1' });
} catch (error) {
  if (!(error instanceof OptionError)) throw error;
  console.log(`wrong ${error.option}; perhaps ${error.nearest}?`);
}
