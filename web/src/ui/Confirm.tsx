/** A question before what can't be taken back: what happens, and a button that repeats verb and object. */
import { AlertDialog } from "@base-ui/react/alert-dialog";
import type { ReactNode } from "react";
import styles from "./Confirm.module.css";
import ui from "./ui.module.css";

interface Props {
  open: boolean;
  title: string;
  children: ReactNode;
  confirm: string;
  cancel: string;
  onConfirm: () => void;
  onClose: () => void;
}

export function Confirm({ open, title, children, confirm, cancel, onConfirm, onClose }: Props) {
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className={styles.backdrop} />
        <AlertDialog.Popup className={styles.dialog}>
          <AlertDialog.Title>{title}</AlertDialog.Title>
          <AlertDialog.Description className={ui.soft}>{children}</AlertDialog.Description>
          <div className={styles.actions}>
            <AlertDialog.Close className={ui.button}>{cancel}</AlertDialog.Close>
            <button type="button" className={ui.button} data-kind="danger" onClick={onConfirm}>
              {confirm}
            </button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
