import type * as ui from '../ui/store.ts';
import type { PageState } from './state.ts';

/** The store of this page. */
export type Store = ui.Store<PageState>;
