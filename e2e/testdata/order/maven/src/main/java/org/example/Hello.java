package org.example;

import org.slf4j.LoggerFactory;

public class Hello {
    public static void main(String[] args) {
        System.out.println("hello from " + LoggerFactory.getILoggerFactory().getClass().getName());
    }
}
