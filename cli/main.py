"""`python main.py …` is the command `crontopus`, for those who run it from a checkout."""

from crontopus_cli.main import run

if __name__ == "__main__":
    run()
