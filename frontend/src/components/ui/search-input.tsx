import { Search, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { cn } from "@/lib/cn";
import { inputClass } from "./input-class";

type Props = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  className?: string;
  /** Whether "/" anywhere on the page puts the cursor here: only one of a page's can have it. */
  slash?: boolean;
};

/** Tells its value when typing pauses. */
export function SearchInput({ label, value, onChange, placeholder, className, slash = true }: Props) {
  const [text, setText] = useState(value);
  const input = useRef<HTMLInputElement>(null);
  const told = useRef(value);
  const tell = useRef(onChange);
  tell.current = onChange;

  useEffect(() => {
    // The address changed without us (back button, "clear filters"): follow it.
    if (value !== told.current) {
      told.current = value;
      setText(value);
    }
  }, [value]);

  useEffect(() => {
    if (text === told.current) return;
    const timer = setTimeout(() => {
      told.current = text;
      tell.current(text);
    }, 250);
    return () => clearTimeout(timer);
  }, [text]);

  useEffect(() => {
    if (!slash) return;
    const focus = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
      if (
        (event.composedPath()[0] as HTMLElement).closest(
          "input,textarea,[contenteditable=true],[role=dialog]",
        )
      )
        return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener("keydown", focus);
    return () => document.removeEventListener("keydown", focus);
  }, [slash]);

  return (
    <div className={cn("relative", className)}>
      <Search
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-subtle"
      />
      <input
        ref={input}
        type="search"
        aria-label={label}
        placeholder={placeholder}
        value={text}
        onChange={(event) => setText(event.target.value)}
        className={cn(inputClass, "px-8 [&::-webkit-search-cancel-button]:hidden")}
      />
      {text ? (
        <button
          type="button"
          aria-label="Clear search"
          onClick={() => setText("")}
          className="absolute top-1/2 right-1.5 grid size-6 -translate-y-1/2 place-items-center rounded-sm text-subtle hover:text-text"
        >
          <X aria-hidden className="size-3.5" />
        </button>
      ) : slash ? (
        <kbd
          aria-hidden
          className="pointer-events-none absolute top-1/2 right-2 hidden h-4.5 -translate-y-1/2 rounded-sm border border-line px-1.5 font-mono text-2xs text-subtle leading-4 md:block"
        >
          /
        </kbd>
      ) : null}
    </div>
  );
}
