import { useEffect, useId, useRef, useState } from "preact/hooks";

interface AskingButtonProps {
  readonly label: string;
  readonly question: string;
  /** What it means, for a person who is about to decide. */
  readonly consequence: string;
  /** What is done, as the button says it that does it. */
  readonly yes: string;
  readonly onYes: () => void;
}

/** A button for what cannot be taken back: it asks first. */
export function AskingButton({ label, question, consequence, yes, onYes }: AskingButtonProps) {
  const [isAsking, setAsking] = useState(false);
  const dialog = useRef<HTMLDialogElement>(null);
  const headingId = useId();
  useEffect(() => {
    if (isAsking) {
      dialog.current?.showModal();
    }
  }, [isAsking]);

  function close({ currentTarget }: { readonly currentTarget: HTMLDialogElement }) {
    setAsking(false);
    if (currentTarget.returnValue === "yes") {
      onYes();
    }
  }

  return (
    <>
      <button type="button" class="quiet danger" onClick={() => setAsking(true)}>
        {label}
      </button>
      {isAsking && (
        <dialog class="panel" ref={dialog} aria-labelledby={headingId} onClose={close}>
          <h2 id={headingId}>{question}</h2>
          <p>{consequence}</p>
          <form method="dialog">
            <button type="submit" value="no">
              Keep it as it is
            </button>
            <button type="submit" value="yes" class="danger">
              {yes}
            </button>
          </form>
        </dialog>
      )}
    </>
  );
}
