import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/client/api";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Field, TextArea } from "@/components/ui/field";
import { useMay } from "@/lib/session";

/** A note in the timeline, as plain text. */
export function Comment({ id }: { id: string }) {
  const queries = useQueryClient();
  const [text, setText] = useState("");
  const comment = useMutation({
    mutationFn: (words: string) => api.comment(id, words),
    onSuccess: async () => {
      setText("");
      await queries.invalidateQueries({ queryKey: ["incidents"] });
    },
  });
  if (!useMay("alerts:manage")) return null;
  return (
    <form
      className="mt-5 flex flex-col gap-2 border-line border-t pt-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) comment.mutate(text.trim());
      }}
    >
      <ActionError error={comment.error} />
      <Field label="Comment">
        <TextArea
          className="font-sans md:text-sm"
          rows={2}
          maxLength={4000}
          value={text}
          placeholder="What you found, what you did"
          onChange={(event) => setText(event.target.value)}
        />
      </Field>
      <div className="flex justify-end">
        <Button type="submit" busy={comment.isPending} disabled={!text.trim()}>
          Add comment
        </Button>
      </div>
    </form>
  );
}
