import { messageLinks } from "@/client/message-links";
import { OneStep } from "./link-pages";

type Props = { token: string | undefined };

// Without a token the service says that the link was not copied whole.
const whole = (token: string | undefined) => token ?? "-";

export const AcknowledgePage = ({ token }: Props) => (
  <OneStep
    title="Acknowledge the incident"
    lead="Everybody who is told of it sees that you have taken it on."
    action="Acknowledge"
    done="The incident is acknowledged."
    run={messageLinks.acknowledge}
    token={whole(token)}
  />
);

export const VerifyChannelPage = ({ token }: Props) => (
  <OneStep
    title="Receive notifications"
    lead="Somebody set up notifications of incidents for your address. They begin when you agree."
    action="Agree"
    done="Notifications will come to this address."
    run={messageLinks.verifyChannel}
    token={whole(token)}
  />
);

export const UnsubscribePage = ({ token }: Props) => (
  <OneStep
    title="Stop notifications"
    lead="No more notifications of incidents come to your address. Who set them up can see that."
    action="Stop them"
    done="No more notifications come to this address."
    run={messageLinks.unsubscribe}
    token={whole(token)}
  />
);
