import type * as ui from '../ui/store.ts';
import type { PageState } from './state.ts';

export type Store = ui.Store<PageState>;
