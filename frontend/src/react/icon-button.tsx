import type { AnchorHTMLAttributes, ButtonHTMLAttributes, ReactNode } from "react";
import { Icon, ICONS, type IconName } from "./icons.js";

interface IconLabel {
  readonly icon: IconName;
  /**
   * What the control does. Without `labelShown`, the label is not visible: screen readers read it, and it is the
   * tooltip unless `title` is set.
   */
  readonly label: ReactNode;
  /** Shows the label beside the icon. */
  readonly labelShown?: boolean | undefined;
}

export type IconButtonProps = IconLabel & Omit<ButtonHTMLAttributes<HTMLButtonElement>, "type" | "children">;
export type IconLinkProps = IconLabel & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "children">;

/** A button with an icon and a label. */
export function IconButton(props: IconButtonProps) {
  const { icon, label, labelShown, ...attributes } = props;
  return (
    <button type="button" {...attributes} {...appearance(props)}>
      <Content icon={icon} label={label} labelShown={labelShown} />
    </button>
  );
}

/** A link with an icon and a label, which looks like a button. */
export function IconLink(props: IconLinkProps) {
  const { icon, label, labelShown, ...attributes } = props;
  return (
    <a {...attributes} {...appearance(props)}>
      <Content icon={icon} label={label} labelShown={labelShown} />
    </a>
  );
}

function appearance({ label, labelShown, className, title }: IconButtonProps | IconLinkProps) {
  const classes = ["sky-button", labelShown ? undefined : "sky-button--icon", className];
  return {
    className: classes.filter((name) => name !== undefined).join(" "),
    title: title ?? (typeof label === "string" && !labelShown ? label : undefined),
  };
}

function Content({ icon, label, labelShown }: IconLabel) {
  return (
    <>
      <Icon path={ICONS[icon]} />
      <span className={labelShown ? "sky-button__label" : "sky-visually-hidden"}>{label}</span>
    </>
  );
}
