import { randomContract } from './contract/random-contract.ts';
import { createRandom } from './random.ts';

randomContract('the machine', createRandom);
