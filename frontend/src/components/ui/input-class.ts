/** 16 px on phones: below that iOS zooms the page when the field gets the focus. */
export const inputClass =
  "h-9 w-full min-w-0 rounded-md border border-line-strong bg-surface px-3 text-[16px] text-text shadow-card outline-offset-0 transition-colors placeholder:text-subtle hover:border-subtle focus-visible:border-accent-text disabled:opacity-55 data-invalid:border-bad-solid md:h-8 md:text-sm";
