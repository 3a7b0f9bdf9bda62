import { afterProblem, nextAfter } from "./checks";
import { Boxes, Checked, Choices, OnlyInText } from "./controls";
import { STEPS, type Step, withoutStep, withPart, withStep } from "./spec";

type Props = {
  steps: Step[] | null;
  /** The names of channels to choose from, for a list that may have others. */
  known: (chosen: readonly string[]) => string[];
  /** What the server said about a place in the text. */
  refused: (path: string) => string | undefined;
  change: (how: (text: string) => string) => void;
};

/** Who is told next, and after how long. */
export function EscalationFields({ steps, known, refused, change }: Props) {
  if (!steps) return <OnlyInText legend="Escalation" />;
  const part = (index: number, key: keyof Step, value: unknown) =>
    change((text) => withPart(text, [...STEPS, index, key], value));
  return (
    <Boxes
      legend="Escalation"
      hint="Whom to tell as well while nobody acknowledges the incident, one step after the other."
      noun="Step"
      add="Add step"
      count={steps.length}
      most={5}
      onAdd={() => change((text) => withStep(text, nextAfter(steps)))}
      onRemove={(index) => change((text) => withoutStep(text, index))}
      box={(index) => {
        const { after, channels } = steps[index] as Step;
        const at = `spec.escalate[${index}]`;
        return (
          <>
            <Checked
              label="After"
              hint="Since it opened: 15m, 1h, 1d."
              value={after}
              problem={afterProblem(steps, index) ?? refused(`${at}.after`)}
              className="max-w-40"
              onChange={(next) => part(index, "after", next)}
            />
            <Choices
              legend="Also tell"
              all={known(channels)}
              chosen={channels}
              needed="Choose at least one channel."
              problem={refused(`${at}.channels`)}
              onChange={(next) => part(index, "channels", next)}
            />
          </>
        );
      }}
    />
  );
}
