import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Text } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import type { ManifestError } from "@/client/types";

/** Colours are tokens, so both themes are one theme. */
const look = EditorView.theme({
  "&": { fontSize: "0.8125rem", backgroundColor: "transparent", color: "var(--text)" },
  "&.cm-focused": {
    outline: "2px solid var(--accent-text)",
    outlineOffset: "-2px",
    borderRadius: "0 0 0.5rem 0.5rem",
  },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "1.5rem", padding: "0.5rem 0" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--subtle)", border: "none" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 0.75rem 0 1rem" },
  ".cm-activeLine, .cm-activeLineGutter": {
    backgroundColor: "color-mix(in oklab, var(--hover) 60%, transparent)",
  },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "color-mix(in oklab, var(--accent) 28%, transparent)",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--surface)",
    color: "var(--text)",
    border: "1px solid var(--line)",
    borderRadius: "0.5rem",
    overflow: "hidden",
  },
  ".cm-diagnostic": { fontFamily: "var(--font-sans)", padding: "0.375rem 0.75rem" },
  ".cm-diagnostic-error": { borderLeft: "3px solid var(--bad-solid)" },
  // CodeMirror draws these two with data: images, which the content security policy does not load.
  ".cm-lint-marker-error": {
    content: '""',
    width: "0.5rem",
    height: "0.5rem",
    margin: "0.5rem 0.125rem",
    borderRadius: "50%",
    backgroundColor: "var(--bad-solid)",
  },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--bad-solid)",
    textUnderlineOffset: "3px",
  },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--text)", borderColor: "var(--line)" },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent-text)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--ok)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--info)" },
  { tag: tags.comment, color: "var(--subtle)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.bracket], color: "var(--muted)" },
]);

function diagnosticsFor(errors: ManifestError[], doc: Text): Diagnostic[] {
  return errors.flatMap(({ line, column, message, hint }) => {
    if (!line || line > doc.lines) return [];
    const place = doc.line(line);
    const from = Math.min(place.to, place.from + Math.max(0, (column ?? 1) - 1));
    return [
      { from, to: place.to, severity: "error" as const, message: hint ? `${message} ${hint}` : message },
    ];
  });
}

export type YamlEditorProps = {
  label: string;
  value: string;
  onChange?: (value: string) => void;
  errors: ManifestError[];
  readOnly?: boolean;
  /** Moves the cursor there each time another object is given. */
  goTo?: ManifestError | null;
};

export default function YamlEditor({
  label,
  value,
  onChange,
  errors,
  readOnly = false,
  goTo,
}: YamlEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const tell = useRef(onChange);
  tell.current = onChange;
  const first = useRef({ value, label, readOnly });

  useEffect(() => {
    const { value: doc, label: name, readOnly: fixed } = first.current;
    const root = host.current?.shadowRoot ?? host.current?.attachShadow({ mode: "open" });
    if (!root) return;
    const editor = new EditorView({
      // In a shadow root CodeMirror adopts its style sheets; in the document it would write <style>
      // elements, which the content security policy forbids.
      root,
      parent: root,
      state: EditorState.create({
        doc,
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          yaml(),
          indentUnit.of("  "),
          new Compartment().of(EditorState.readOnly.of(fixed)),
          fixed ? [] : [highlightActiveLine(), highlightActiveLineGutter(), lintGutter()],
          search({ top: true }),
          keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, ...(fixed ? [] : [indentWithTab])]),
          EditorView.contentAttributes.of({ "aria-label": name, spellcheck: "false", tabindex: "0" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) tell.current?.(update.state.doc.toString());
          }),
          syntaxHighlighting(colours),
          look,
        ],
      }),
    });
    view.current = editor;
    return () => {
      editor.destroy();
      view.current = null;
    };
  }, []);

  useEffect(() => {
    const editor = view.current;
    if (!editor || value === editor.state.doc.toString()) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => {
    const editor = view.current;
    if (editor) editor.dispatch(setDiagnostics(editor.state, diagnosticsFor(errors, editor.state.doc)));
  }, [errors]);

  useEffect(() => {
    const editor = view.current;
    if (!editor || !goTo) return;
    const target = diagnosticsFor([goTo], editor.state.doc)[0];
    if (!target) return;
    editor.dispatch({ selection: { anchor: target.from }, scrollIntoView: true });
    editor.focus();
  }, [goTo]);

  return <div ref={host} className="min-w-0" />;
}
