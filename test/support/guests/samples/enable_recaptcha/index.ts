// Puts the script of a reCAPTCHA key into the head of every page.
export * from "@sluice/sdk/proxy";
import { BodyView, Config, definePlugin, Flow, HttpFilter, ResponseHead } from "@sluice/sdk";

@config
class RecaptchaConfig extends Config {
  recaptcha_key_type: string = "";
  recaptcha_key_value: string = "";

  override check(): string | null {
    if (this.recaptcha_key_type == "ACTION" || this.recaptcha_key_type == "SESSION") return null;
    return "at /recaptcha_key_type: expected ACTION or SESSION";
  }
  get script(): string {
    const url = "https://www.google.com/recaptcha/enterprise.js?render=";
    if (this.recaptcha_key_type == "ACTION") return '<script src="' + url + this.recaptcha_key_value + '"></script>\n';
    return '<script src="' + url + "&waf=" + this.recaptcha_key_value + '" async defer></script>\n';
  }
}

class Recaptcha extends HttpFilter {
  constructor(private config: RecaptchaConfig) {
    super();
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    response.willEditBody();
    return Flow.Continue;
  }
  override onResponseBody(body: BodyView): Flow {
    if (!body.end) return Flow.Pause;
    const text = body.text();
    const at = text.indexOf("<head>\n");
    if (at < 0) return Flow.Continue;
    const after = at + 7;
    body.replaceText(text.substring(0, after) + this.config.script + "\n" + text.substring(after));
    return Flow.Continue;
  }
}
definePlugin<RecaptchaConfig, Recaptcha>("enable-recaptcha");
