import fs from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';

const r = await new Validator().validate(JSON.parse(fs.readFileSync(process.argv[2])));
if (!r.valid) console.error(r.errors);
process.exit(r.valid ? 0 : 1);
