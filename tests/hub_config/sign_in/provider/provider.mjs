// A provider on loopback whose people are a JSON file, read anew each time somebody asks for one of them.
// node provider.mjs PORT ACCOUNTS CALLBACK, in the folder that has node_modules.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const packages = join(process.cwd(), 'node_modules', 'oidc-provider', 'lib', 'index.js');
const { default: Provider } = await import(pathToFileURL(packages));
const [, , port, accounts, callback] = process.argv;

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: ['labkit', 'another'].map((client_id) => ({
    client_id,
    client_secret: 'only-for-tests',
    redirect_uris: [callback],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  })),
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['given_name', 'family_name', 'locale'],
    groups: ['groups'],
  },
  scopes: ['openid', 'email', 'profile', 'groups'],
  pkce: { required: () => true },
  cookies: { keys: ['only for tests'] },
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  findAccount(_ctx, id) {
    const person = JSON.parse(readFileSync(accounts, 'utf8'))[id];
    return person && { accountId: id, claims: () => ({ sub: id, ...person }) };
  },
});
provider.listen(Number(port), '127.0.0.1');
