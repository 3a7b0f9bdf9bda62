/// <reference types="vite/client" />

interface ImportMetaEnv {
  /** "1": MSW answers instead of a server. */
  readonly VITE_MOCK?: string;
}
